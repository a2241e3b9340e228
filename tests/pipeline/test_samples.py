"""Laws of looking at a model while it learns."""

import math

import numpy as np
import pytest
import torch

from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.data import DataConfig, TokenStore, build_shards
from scratchlm.model.transformer import Transformer
from scratchlm.pipeline.samples import (
    HeldoutHook,
    SampleHook,
    build_hooks,
    spread_rows,
)
from scratchlm.plan.presets import laptop_config
from scratchlm.tokenizer import TokenizerConfig, train_tokenizer

TEXT = "the quick brown fox jumps over the lazy dog; " * 60


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TokenizerConfig(vocab_size=300), [TEXT])


@pytest.fixture(scope="module")
def data(tokenizer, tmp_path_factory):
    directory = tmp_path_factory.mktemp("data")
    texts = {"train": [TEXT], "heldout": [TEXT, TEXT]}
    build_shards(DataConfig(), texts, tokenizer, directory)
    return directory


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Transformer(laptop_config(1, vocab_size=300, context_length=64)).eval()


def test_spread_rows_start_at_the_beginning_and_end_at_the_end(data):
    store = TokenStore.open(data, "heldout")
    rows = spread_rows(store, 20, 5)
    assert rows.shape == (5, 20) and rows.dtype == np.int64
    assert rows[0].tolist() == store[:20].tolist()
    assert rows[-1].tolist() == store[len(store) - 20 :].tolist()


def test_a_small_store_gives_fewer_rows_and_none_twice(data):
    store = TokenStore.open(data, "heldout")
    assert len(spread_rows(store, len(store), 5)) == 1
    assert len(spread_rows(store, len(store) + 1, 5)) == 0
    assert len(spread_rows(store, len(store) // 2, 5)) == 2


def test_held_out_loss_is_in_nats_and_bits_per_byte_its_conversion(
    data, tokenizer, model, tmp_path
):
    store = TokenStore.open(data, "heldout")
    with MetricsWriter(tmp_path / "m.jsonl", "train") as metrics:
        HeldoutHook(store, tokenizer, 32, metrics)(7, model)
    (row,) = read_metrics(tmp_path / "m.jsonl")
    rows = spread_rows(store, 33, 32)
    n_bytes = sum(len(tokenizer.token_bytes(id)) for id in rows[:, 1:].ravel())
    with torch.no_grad():
        loss = model.loss(torch.from_numpy(rows[:, :-1]), torch.from_numpy(rows[:, 1:]))
    assert row["step"] == 7
    assert row["val/loss"] == pytest.approx(float(loss), rel=1e-5)
    bits = float(loss) * rows[:, 1:].size / math.log(2) / n_bytes
    assert row["val/bits_per_byte"] == pytest.approx(bits, rel=1e-5)


def test_a_look_that_is_repeated_after_a_resume_replaces_itself(
    data, tokenizer, model, tmp_path
):
    hook = SampleHook(TokenStore.open(data, "heldout"), tokenizer, tmp_path / "s.jsonl")
    for step in (10, 20, 30, 20):
        hook(step, model)
    rows = read_metrics(tmp_path / "s.jsonl")
    assert [row["step"] for row in rows] == [10, 20]
    assert rows[0]["samples/0_text"] == rows[1]["samples/0_text"], "the same model"
    assert TEXT.startswith(rows[0]["samples/0_prompt"])


def test_without_held_out_text_there_is_nothing_to_look_at(tokenizer, tmp_path):
    build_shards(DataConfig(), {"heldout": []}, tokenizer, tmp_path)
    with MetricsWriter(tmp_path / "m.jsonl", "train") as metrics:
        assert build_hooks(tmp_path, tokenizer, 64, metrics, tmp_path / "s") == []
