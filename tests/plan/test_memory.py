"""Laws of memory: bytes per parameter, what ZeRO divides."""

import pytest

from scratchlm.model.activations import activations_per_token
from scratchlm.plan import (
    count_kv_cache_bytes,
    count_parameters,
    estimate_training_memory,
    preset,
)
from scratchlm.plan.memory import count_optimizer_bytes

SEVEN = 6_738_415_616


def test_mixed_precision_adamw_takes_sixteen_bytes_a_parameter():
    memory = estimate_training_memory(preset("7b"))
    assert memory.weights_bytes == memory.gradients_bytes == 2 * SEVEN
    assert memory.optimizer_bytes == 12 * SEVEN
    assert memory.state_bytes == 16 * SEVEN


def test_float32_has_no_master_copy_and_takes_sixteen_bytes_too():
    memory = estimate_training_memory(preset("7b"), dtype="float32")
    assert memory.weights_bytes == memory.gradients_bytes == 4 * SEVEN
    assert memory.optimizer_bytes == 8 * SEVEN


@pytest.mark.parametrize(
    ("stage", "bytes_per_parameter"),
    [(0, 16), (1, 2 + 2 + 12 / 8), (2, 2 + 2 / 8 + 12 / 8), (3, 16 / 8)],
)
def test_each_zero_stage_divides_one_share_more(stage, bytes_per_parameter):
    memory = estimate_training_memory(preset("7b"), zero_stage=stage, n_gpus=8)
    assert memory.state_bytes == pytest.approx(bytes_per_parameter * SEVEN, abs=3)


def test_zero_divides_no_activations():
    alone = estimate_training_memory(preset("1b"), micro_batch_size=2)
    shared = estimate_training_memory(
        preset("1b"), micro_batch_size=2, zero_stage=3, n_gpus=64
    )
    assert alone.activations_bytes == shared.activations_bytes
    assert alone.total_bytes - alone.state_bytes == (
        shared.total_bytes - shared.state_bytes
    )


def test_muon_saves_one_float_for_every_weight_of_the_block_matrices():
    config = preset("depth-6")
    parts = count_parameters(config)
    matrices = parts.attention + parts.mlp
    saved = count_optimizer_bytes(config, "adamw") - count_optimizer_bytes(
        config, "muon"
    )
    assert saved == 4 * matrices


def test_the_kv_cache_of_published_shapes():
    # Llama 2 7B: 2 x 32 layers x 4096 channels x 2 bytes = 512 KiB a token
    assert count_kv_cache_bytes(preset("7b"), 1) == 512 * 1024
    # Llama 3 70B: 8 of 64 heads: 2 x 80 x 8 x 128 x 2 = 320 KiB a token
    assert count_kv_cache_bytes(preset("70b"), 1) == 320 * 1024
    assert count_kv_cache_bytes(preset("70b"), 100, 3, "float32") == 600 * 320 * 1024


def test_checkpointing_leaves_the_inputs_of_32_layers_and_one_layer():
    whole = estimate_training_memory(preset("7b")).activations_bytes
    recomputed = estimate_training_memory(preset("7b"), checkpointing=True)
    kept = activations_per_token(preset("7b"), bytes_per_number=2, kernel="sdpa")
    assert whole == 4096 * (sum(kept.layers) + kept.outside)
    inputs = 32 * 4096 * 2
    assert recomputed.activations_bytes == 4096 * (
        inputs + max(kept.layers) + kept.outside
    )
    assert recomputed.activations_bytes < whole / 10


def test_soap_holds_two_bases_and_two_averages_of_every_matrix():
    config = preset("depth-2")
    more = count_optimizer_bytes(config, "soap") - count_optimizer_bytes(config)
    rows = {(64, 64): 2, (32, 64): 2, (192, 64): 2, (64, 192): 1}
    assert more == 2 * sum(n * 8 * (r * r + c * c) for (r, c), n in rows.items())


def test_a_larger_vocabulary_brings_no_larger_chunk_of_logits():
    small = estimate_training_memory(preset("7b")).logits_bytes
    large = estimate_training_memory(preset("8b")).logits_bytes
    assert small == 2 * 4096 * 32_000 * 4
    assert large == 2 * 2048 * 128_256 * 4
