"""The reference table: computed once, bound to what it was made from."""

import numpy as np
import pytest
import torch

from scratchlm.align.log_probs import score_pairs
from scratchlm.align.pairs import build_pairs
from scratchlm.align.reference import reference_log_probs


@pytest.fixture
def pairs(tokenizer, rows) -> list:
    return build_pairs(tokenizer, rows, 65).pairs


def test_the_table_holds_chosen_then_rejected(model, pairs, tmp_path) -> None:
    table = reference_log_probs(model, "w", pairs, 1, tmp_path / "r.safetensors")
    assert np.array_equal(table, score_pairs(model, pairs, 1))
    assert table.shape == (len(pairs), 2) and (table < 0).all()


def test_a_kept_table_is_read_not_computed(model, pairs, tmp_path) -> None:
    path = tmp_path / "r.safetensors"
    first = reference_log_probs(model, "w", pairs, 1, path)
    with torch.no_grad():
        model.lm_head.weight.zero_()  # would show in a second computation
    second = reference_log_probs(model, "w", pairs, 1, path)
    assert second.tobytes() == first.tobytes()


def test_other_weights_or_pairs_make_it_anew(model, pairs, tmp_path) -> None:
    path = tmp_path / "r.safetensors"
    first = reference_log_probs(model, "w", pairs, 1, path)
    with torch.no_grad():
        model.lm_head.weight.zero_()
    assert not np.allclose(reference_log_probs(model, "v", pairs, 1, path), first)
    fewer = reference_log_probs(model, "v", pairs[:3], 1, path)
    assert fewer.shape == (3, 2)


def test_a_damaged_table_is_made_anew(model, pairs, tmp_path) -> None:
    path = tmp_path / "r.safetensors"
    first = reference_log_probs(model, "w", pairs, 1, path)
    whole = path.read_bytes()
    for damaged in (whole[:-5], whole[:3], b""):
        path.write_bytes(damaged)
        again = reference_log_probs(model, "w", pairs, 1, path)
        assert again.tobytes() == first.tobytes() and path.read_bytes() == whole
