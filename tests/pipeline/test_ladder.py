"""Laws of the ladder: one family, and a prediction that comes first."""

import json

import pytest

from scratchlm.base.config import parse_overrides
from scratchlm.base.progress import Silent
from scratchlm.data import DataConfig, build_shards
from scratchlm.pipeline.ladder import (
    check_ladder,
    climb_ladder,
    ladder_json,
    read_ladder,
)
from scratchlm.pipeline.ladder_plan import plan_ladder
from scratchlm.pipeline.ladder_sheet import ladder_sheet, write_ladder
from scratchlm.pipeline.trial import trial_key
from scratchlm.pipeline.trial_base import find_base
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer

TEXT = " ".join(f"{n} steps up the ladder, {n * n} down;" for n in range(400))
SMALL = ("model.context_length=16", "train.context_length=16", "train.batch_size=4")
SHAPES = [(1, 16), (1, 24), (1, 32), (2, 24), (2, 32)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])
    tokenizer.save(folder / "tokenizer.json")
    texts = {"train": [TEXT], "heldout": [TEXT]}
    build_shards(DataConfig(), texts, tokenizer, folder)
    said = parse_overrides([*SMALL, "machine.threads=1"])
    return find_base(str(folder), folder, said, shape="2x48")


def plan(base, shapes=SHAPES, **more):
    values = {"tokens_per_parameter": 0.06, "heldout_tokens": 64, **more}
    return plan_ladder(base, shapes, (2, 48), **values)


@pytest.fixture(scope="module")
def out(base, tmp_path_factory):
    """Where a ladder is climbed, its target not trained."""
    folder = tmp_path_factory.mktemp("ladder")
    write_ladder(climb_ladder(plan(base), folder), folder)
    return folder


def test_the_prediction_stands_before_the_target_is_trained(base, out, tmp_path):
    written = json.loads((out / "prediction.json").read_text())
    assert written["before_the_target_was_trained"] is True
    assert written["low"] < written["loss"] < written["high"]
    assert written["compute_beyond_rungs"] > 1
    made = plan(base)
    key = trial_key(made.target.trials[0], base.data)
    assert not (out / "trials" / key).exists()
    assert read_ladder(made, out).target is None


def test_the_target_is_held_against_what_was_predicted(base, out, tmp_path_factory):
    before = (out / "prediction.json").read_bytes()
    checked = check_ladder(read_ladder(plan(base), out), out)
    assert (out / "prediction.json").read_bytes() == before
    found = ladder_json(checked)["target"]
    assert found["predicted_before_trained"] is True
    forecast = checked.fit.forecast
    assert found["within_interval"] == (forecast.low <= found["loss"] <= forecast.high)
    assert checked.target.loss == found["loss"]


def test_a_prediction_made_afterwards_says_so(base, out):
    check_ladder(read_ladder(plan(base), out), out)  # the target is trained
    later = climb_ladder(plan(base, SHAPES[1:]), out)
    assert later.predicted_first is False
    written = json.loads((out / "prediction.json").read_text())
    assert written["before_the_target_was_trained"] is False
    assert "only after" in ladder_sheet(later).as_text()


def test_climbing_again_trains_nothing_and_says_the_same(base, out, tmp_path):
    class Refuses(Silent):
        def update(self, done, total, note=""):
            raise AssertionError("something is trained")

    first = read_ladder(plan(base), out)
    again = climb_ladder(plan(base), out, Refuses())
    assert again.fit == first.fit and again.results == first.results


def test_the_page_shows_prediction_law_rungs_and_picture(base, out):
    climbed = read_ladder(plan(base), out)
    sheet = ladder_sheet(climbed)
    text = sheet.as_text()
    assert "95 % interval" in text and "exponent" in text and "1x16" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "<circle" in sheet.drawings[0].svg and "<polygon" in sheet.drawings[0].svg
    assert (out / "ladder.html").exists() and (out / "ladder.svg").exists()
