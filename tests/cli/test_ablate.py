"""Laws of `scratchlm ablate`: from the command line to the table."""

import json

import pytest

from scratchlm.cli.entry import run_command
from scratchlm.data import DataConfig, build_shards
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer

TEXT = "a small text that a small model can learn by heart; " * 100
SMALL = ["model.context_length=16", "train.context_length=16", "train.batch_size=4"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])
    tokenizer.save(folder / "tokenizer.json")
    texts = {"train": [TEXT], "heldout": [TEXT]}
    build_shards(DataConfig(), texts, tokenizer, folder)
    return folder


def words(data, out, *more):
    small = [*SMALL, "machine.threads=1", "--shape", "1x16", "--tokens", "256"]
    return ["ablate", str(data), *small, "--out", str(out), *more]


def test_a_switch_is_held_against_the_baseline(data, tmp_path, capsys):
    vary = ("--vary", "model.tied=false,true", "--seeds", "2")
    assert run_command(words(data, tmp_path, *vary)) == 0
    table = capsys.readouterr().out
    assert "tied=true" in table and "baseline" in table and "seed 1" in table
    found = json.loads((tmp_path / "ablation.json").read_text())
    assert found["trials_done"] == 4 and len(found["variants"]) == 2
    assert (tmp_path / "ablation.html").exists()
    assert run_command(words(data, tmp_path, *vary)) == 0
    assert capsys.readouterr().err.count("(known)") == 4


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((), "nothing is varied"),
        (("--vary", "model.tyed=true"), "did you mean 'tied'"),
        (("--vary", "model.tied=true", "--tokens", "lots"), "500k or 2M"),
        (("--vary", "model.tied=true", "--shape", "big"), "such as 6x128"),
    ],
)
def test_a_mistake_is_one_line_and_trains_nothing(data, tmp_path, capsys, more, said):
    assert run_command(words(data, tmp_path / "out", *more)) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_what_is_neither_run_nor_data_is_named(tmp_path, capsys):
    line = ["ablate", "nothing", "--vary", "model.tied=true"]
    assert run_command([*line, "--runs-dir", str(tmp_path)]) == 2
    assert "no run 'nothing'" in capsys.readouterr().err
