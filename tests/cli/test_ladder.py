"""Laws of `scratchlm ladder`: from the command line to a prediction and its proof."""

import json

import pytest

from scratchlm.cli.entry import run_command
from scratchlm.data import DataConfig, build_shards
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer

TEXT = " ".join(f"{n} steps up the ladder, {n * n} down;" for n in range(300))
SMALL = ["model.context_length=16", "train.context_length=16", "train.batch_size=2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])
    tokenizer.save(folder / "tokenizer.json")
    texts = {"train": [TEXT], "heldout": [TEXT]}
    build_shards(DataConfig(), texts, tokenizer, folder)
    return folder


def words(data, out, *more):
    rungs = ["--rungs", "1x16,1x24,1x32,2x32", "--target", "2x48"]
    ratio = ["--tokens-per-parameter", "0.02", "machine.threads=1"]
    return ["ladder", str(data), *SMALL, *rungs, *ratio, "--out", str(out), *more]


def test_a_plan_trains_nothing(data, tmp_path, capsys):
    assert run_command(words(data, tmp_path / "out", "--plan")) == 0
    assert "2x48 (target)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_prediction_comes_first_and_is_then_checked(data, tmp_path, capsys):
    assert run_command(words(data, tmp_path)) == 0
    assert "is not trained yet" in capsys.readouterr().out
    before = (tmp_path / "prediction.json").read_bytes()
    assert run_command(words(data, tmp_path, "--check")) == 0
    said = capsys.readouterr().out
    assert "Measured: " in said and "before the target was" in said
    assert (tmp_path / "prediction.json").read_bytes() == before
    found = json.loads((tmp_path / "ladder.json").read_text())
    assert found["target"]["predicted_before_trained"] is True


def test_too_few_rungs_are_one_line(data, tmp_path, capsys):
    line = ["ladder", str(data), *SMALL, "--rungs", "1x16", "--out", str(tmp_path)]
    assert run_command(line) == 2
    assert "1 rungs are too few" in capsys.readouterr().err
