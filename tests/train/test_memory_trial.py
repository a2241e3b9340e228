"""Laws of the trial: a real step, real memory, and nothing left behind."""

import pytest
import torch

from scratchlm.base.machine import MachineConfig
from scratchlm.model.config import ModelConfig
from scratchlm.train.config import TrainConfig
from scratchlm.train.memory_trial import measure_step_bytes, take_step

SIZES = {"vocab_size": 64, "context_length": 16, "n_layers": 2, "n_heads": 2}
SIZES |= {"n_kv_heads": 1, "d_model": 32, "d_ff": 48}
TRAIN = {"total_steps": 3, "batch_size": 4, "micro_batch_size": 4}
TRAIN |= {"context_length": 16}


def build(model=None, train=None):
    return (
        ModelConfig.model_validate(SIZES | (model or {})),
        TrainConfig.model_validate(TRAIN | (train or {})),
    )


@pytest.mark.parametrize(
    ("model", "train", "dtype"),
    [
        ({}, {}, "float32"),
        ({"dropout": 0.1, "n_experts": 4}, {"optimizer": "adamw"}, "float32"),
        ({"bias": True, "norm": "layernorm"}, {"optimizer": "soap"}, "float32"),
        ({}, {"activation_checkpointing": True}, "bfloat16"),
        ({}, {"document_mask": True, "packing": "documents"}, "float32"),
    ],
)
def test_a_step_is_taken_for_each_size_and_no_number_of_the_caller_is_drawn(
    model, train, dtype
):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    machine = MachineConfig(threads=torch.get_num_threads(), dtype=dtype)
    assert list(take_step(*build(model, train), machine, [1, 2, 4])) == [1, 2, 4]
    assert torch.equal(torch.get_rng_state(), before)


def test_more_rows_hold_more_memory_by_what_the_backward_pass_keeps():
    from scratchlm.model.activations import estimate_activation_bytes

    shape = {"vocab_size": 512, "context_length": 128, "n_layers": 4, "d_model": 128}
    model, train = build(shape | {"d_ff": 384}, {"context_length": 128})
    one, many = measure_step_bytes(model, train, MachineConfig(threads=1), [4, 36])
    assert one is not None
    assert many is not None
    kept = estimate_activation_bytes(model, 32 * 128)
    assert 0.8 * kept < many - one < 3 * kept
