"""Laws of the comparison; the kills themselves are tests/journey's."""

import json

import pytest

from scratchlm.base.config import merge
from scratchlm.pipeline.recipe import read_packaged
from scratchlm.pipeline.small_recipe import shrink
from scratchlm.pipeline.verify_resume import Kill, Verification, compare_trainings

RECIPE = shrink(merge(read_packaged("laptop"), {}), 60, 2)
ROW = {"stage": "train", "step": 1, "time_s": 5.0, "train/loss": 0.1 + 0.2}


def training(path, *rows, weights=b"weights"):
    (path / "model").mkdir(parents=True)
    (path / "model" / "model.safetensors").write_bytes(weights)
    lines = [json.dumps(row) + "\n" for row in rows]
    (path / "metrics.jsonl").write_text("".join(lines))
    return path


@pytest.fixture
def compare(tmp_path):
    one = training(tmp_path / "one", ROW, {**ROW, "step": 2})

    def run(*rows, **options):
        found = Verification(RECIPE)
        compare_trainings(found, one, training(tmp_path / "other", *rows, **options))
        return found

    return run


def test_the_same_bits_are_the_same(compare):
    again = {**ROW, "time_s": 77.0, "train/tokens_per_s": 1.0}
    found = compare(again, {**again, "step": 2})
    assert found.holds and (found.n_files, found.n_rows) == (1, 2)
    assert "the same bits" in list(found.lines())[-1]


def test_the_last_bit_of_a_loss_is_seen(compare):
    found = compare(ROW, {**ROW, "step": 2, "train/loss": 0.3})
    assert not found.holds and found.differing == ["step 2: train/loss"]
    assert list(found.lines())[-1].startswith("NOT the same: step 2: train/loss")


def test_one_byte_of_the_weights_is_seen(compare):
    found = compare(ROW, {**ROW, "step": 2}, weights=b"weighty")
    assert found.differing == ["model.safetensors"]


@pytest.mark.parametrize("rows", [(ROW,), (ROW, ROW, ROW)])
def test_rows_that_are_missing_or_came_twice_are_seen(compare, rows):
    assert any("rows" in name for name in compare(*rows).differing)


def test_a_figure_that_is_missing_is_seen(compare):
    row = {name: value for name, value in ROW.items() if name != "train/loss"}
    assert compare(row, {**ROW, "step": 2}).differing == ["step 1: train/loss"]


def test_nothing_to_compare_proves_nothing():
    assert not Verification(RECIPE).holds


def test_what_the_kills_met_is_told():
    kills = [Kill(3, False), Kill(17, True)]
    first = next(Verification(RECIPE, kills).lines())
    assert "2 kills, 1 of them while" in first and "3, 17" in first
