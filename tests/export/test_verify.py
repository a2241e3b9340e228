"""Laws of the proof: what was written right passes, what was not is caught."""

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.export.source import read_source
from scratchlm.export.verify import verify, weights_relative_error


@pytest.fixture
def source(model_directories):
    return read_source(model_directories / "modern")


def test_equal_weights_prove_themselves(source):
    proof = verify(source, source.tensors, "float32")
    assert proof == {
        "tensors": len(source.tensors),
        "weights_relative_error": 0.0,
        "logits_difference_below": 1e-6,
        "same_top_token_frac": 1.0,
    }


def test_the_error_is_the_length_of_the_difference():
    expected = {"a": np.array([3.0, 0.0]), "b": np.array([4.0])}
    found = {"a": np.array([3.0, 0.5]), "b": np.array([4.0])}
    assert weights_relative_error(expected, found) == 0.1


def test_one_changed_weight_fails_an_exact_format(source):
    found = {name: array.copy() for name, array in source.tensors.items()}
    found["layers.1.mlp.up_proj.weight"][0, 0] += 1e-3
    with pytest.raises(UserError, match="does not hold the model"):
        verify(source, found, "float32")
    assert verify(source, found, "f16")["logits_difference_below"] > 1e-6


def test_swapped_tensors_fail_every_format(source):
    found = dict(source.tensors)
    names = [f"layers.0.self_attn.{part}_proj.weight" for part in "kv"]
    found[names[0]], found[names[1]] = found[names[1]], found[names[0]]
    for kind in ("float32", "bfloat16", "q8_0", "q4_0"):
        with pytest.raises(UserError, match="does not hold the model"):
            verify(source, found, kind)


def test_a_missing_tensor_and_a_nan_are_caught(source):
    found = {k: v for k, v in source.tensors.items() if k != "norm.weight"}
    with pytest.raises(UserError, match=r"norm\.weight is missing"):
        verify(source, found, "float32")
    found["norm.weight"] = np.full(64, np.nan, np.float32)
    with pytest.raises(UserError, match="does not hold the model"):
        verify(source, found, "q4_0")
