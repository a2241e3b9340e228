"""Laws of a trial: a function of its settings and data, never done twice."""

import json
import math

import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.progress import Silent
from scratchlm.data import DataConfig, build_shards
from scratchlm.model.config import ModelConfig
from scratchlm.pipeline.trial import (
    TrialConfig,
    finish_trial,
    open_trial_data,
    read_speed,
    read_trial,
    trial_key,
)
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer
from scratchlm.train.config import TrainConfig

TEXT = "a small text that a small model can learn by heart; " * 100
MODEL = ModelConfig(
    vocab_size=300, context_length=16, n_layers=1, n_heads=2, n_kv_heads=1,
    d_model=16, d_ff=32, d_head=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    tokenizer = train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])
    tokenizer.save(folder / "tokenizer.json")
    texts = {"train": [TEXT], "heldout": [TEXT]}
    build_shards(DataConfig(), texts, tokenizer, folder)
    return open_trial_data(folder)


def trial(total_steps=12, **changes):
    train = {"total_steps": total_steps, "batch_size": 2, "micro_batch_size": 2}
    train |= {"context_length": 16, "checkpoint_every_steps": 5}
    config = TrainConfig.model_validate({**train, **changes})
    return TrialConfig(
        model=MODEL, train=config, machine={"threads": 1}, heldout_tokens=64
    )


class StopsAt(Silent):
    """Ctrl-C, some steps after the beginning."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def update(self, done, total, note=""):
        if done >= self.step:
            raise KeyboardInterrupt


def test_the_same_trial_gives_the_same_result(data, tmp_path):
    first, second = (finish_trial(trial(), data, tmp_path / n) for n in "ab")
    assert first == second
    assert 0 < first.loss < math.log(300)
    assert first.tokens == 12 * 2 * 16 and first.heldout_tokens == 64
    texts = [(tmp_path / n / first.key / "result.json").read_bytes() for n in "ab"]
    assert texts[0] == texts[1]


def test_a_finished_trial_is_read_and_not_trained_again(data, tmp_path):
    done = finish_trial(trial(), data, tmp_path)
    assert finish_trial(trial(), data, tmp_path, StopsAt(0)) == done
    assert read_trial(trial(), data, tmp_path) == done
    assert read_speed(tmp_path, done.key) > 0
    left = {path.name for path in (tmp_path / done.key).iterdir()}
    assert not left & {"model", "checkpoints"}


def test_an_interrupted_trial_ends_with_the_same_bits(data, tmp_path):
    whole = finish_trial(trial(), data, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        finish_trial(trial(), data, tmp_path / "cut", StopsAt(8))
    assert read_trial(trial(), data, tmp_path / "cut") is None
    assert finish_trial(trial(), data, tmp_path / "cut") == whole


def test_whatever_decides_a_trial_changes_its_key(data):
    keys = {
        trial_key(one, data)
        for one in (trial(), trial(13), trial(seed=1), trial(matrix_lr=0.01))
    }
    assert len(keys) == 4


def test_a_trial_that_blows_up_is_a_result_too(data, tmp_path):
    guard = {"policy": ["stop"]}
    wild = trial(
        30, optimizer="adamw", matrix_lr=3e38, embed_lr=3e38, head_lr=3e38, guard=guard
    )
    found = finish_trial(wild, data, tmp_path)
    assert found.loss is None and found.bits_per_byte is None and found.failure
    assert finish_trial(wild, data, tmp_path, StopsAt(0)) == found


def test_what_is_no_result_of_the_trial_is_raised(data, tmp_path):
    big = TrialConfig(
        model=MODEL.model_copy(update={"context_length": 99_999}),
        train=trial(context_length=99_999).train,
    )
    with pytest.raises(UserError, match="fewer than one row"):
        finish_trial(big, data, tmp_path)


def test_a_damaged_result_is_named(data, tmp_path):
    done = finish_trial(trial(4), data, tmp_path)
    path = tmp_path / done.key / "result.json"
    path.write_text(path.read_text()[:20])
    with pytest.raises(UserError, match=r"result\.json is not readable"):
        read_trial(trial(4), data, tmp_path)


def test_data_without_its_tokenizer_is_refused_with_the_remedy(data, tmp_path):
    other = train_tokenizer(TokenizerConfig(vocab_size=290), [TEXT])
    other.save(tmp_path / "other.json")
    with pytest.raises(UserError, match="--tokenizer"):
        open_trial_data(data.directory, tmp_path / "other.json")
    index = json.loads((data.directory / "shards.json").read_text())
    assert set(index["splits"]) == {"train", "heldout"}
