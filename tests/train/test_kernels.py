import subprocess
import sys

import pytest
import torch

from scratchlm.base.machine import MachineConfig


@pytest.mark.parametrize(
    "machine", [{"weight_gradient": "chunked"}, {"attention": "sdpa"}]
)
def test_a_kernel_changes_the_last_bits_at_most(run, tmp_path, machine):
    plain = run(directory=tmp_path / "a")
    other = run(directory=tmp_path / "b", machine=MachineConfig(threads=1, **machine))
    for name, weight in plain.weights.items():
        torch.testing.assert_close(other.weights[name], weight, atol=1e-4, rtol=0)


def test_recomputed_activations_change_no_bit(run, tmp_path):
    kept = run(directory=tmp_path / "a")
    again = run(directory=tmp_path / "b", activation_checkpointing=True)
    assert again.series("train/loss") == kept.series("train/loss")
    for name, weight in kept.weights.items():
        assert torch.equal(again.weights[name], weight)


def test_dropout_is_a_function_of_the_step(run, build_model, tmp_path):
    first, same = (
        run(build_model(dropout=0.3), tmp_path / name, total_steps=4) for name in "ab"
    )
    other = run(build_model(dropout=0.3), tmp_path / "c", total_steps=4, seed=1)
    assert first.series("train/loss") == same.series("train/loss")
    assert first.series("train/loss") != other.series("train/loss")


def test_the_compiler_is_imported_by_none_who_does_not_compile():
    """It takes seconds, in every process that trains or loads a model."""
    code = (
        "import sys; from scratchlm.model import ModelConfig, Transformer;"
        "from scratchlm.model.weights import build_empty_model;"
        "import scratchlm.train.loop;"
        "config = ModelConfig(vocab_size=8, n_layers=1, n_heads=1, n_kv_heads=1,"
        " d_model=8, d_ff=8);"
        "Transformer(config); build_empty_model(config);"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
