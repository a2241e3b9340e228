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
