"""Laws of memory: bytes per parameter, what ZeRO divides, what autograd keeps."""

import pytest

from scratchlm.plan import (
    count_kv_cache_bytes,
    count_parameters,
    estimate_training_memory,
    preset,
)
from scratchlm.plan.memory import count_optimizer_bytes, estimate_activation_bytes

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


def test_checkpointing_keeps_one_layer_and_the_inputs():
    config = preset("7b")
    kept = estimate_activation_bytes(config, 1000, "bfloat16")
    recomputed = estimate_activation_bytes(config, 1000, "bfloat16", checkpointing=True)
    outside = 1000 * 2 * 4096 * 2
    layer = (kept - outside) // 32
    assert recomputed == layer + outside + 1000 * 32 * 4096 * 2


@pytest.mark.parametrize("attention", ["fused", "products"])
@pytest.mark.parametrize("mlp", ["swiglu", "gelu"])
def test_the_estimate_is_near_what_autograd_really_keeps(attention, mlp):
    import torch

    from scratchlm.model.transformer import Transformer

    config = preset("depth-4").model_copy(update={"mlp": mlp, "context_length": 128})
    model = Transformer(config)
    model.use_attention("sdpa" if attention == "fused" else "products")
    tokens = torch.zeros(2, 128, dtype=torch.int64)
    kept = {}
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        hidden = model.hidden(tokens)
    found = sum(kept.values())
    assert hidden.requires_grad
    estimate = estimate_activation_bytes(config, 256, "float32", attention=attention)
    assert found == pytest.approx(estimate, rel=0.15)
