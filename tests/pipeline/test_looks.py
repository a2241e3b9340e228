"""Laws of looking at a model while it learns."""

import math

import numpy as np
import pytest
import torch

from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.corpus.document import Document
from scratchlm.data import DataConfig, TokenStore, build_shards
from scratchlm.model.transformer import Transformer
from scratchlm.pipeline.looks import (
    LEAST_TOKENS,
    MOST_SOURCES,
    HeldoutHook,
    SourceHook,
    UnitsHook,
    mean_loss,
    rows_by_source,
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
    build_shards(DataConfig(), {"heldout": [TEXT, TEXT]}, tokenizer, directory)
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


def test_the_loss_is_what_checkpoints_compete_by_and_a_verdict_is_told(
    data, tokenizer, model, tmp_path
):
    store, told = TokenStore.open(data, "heldout"), []
    with MetricsWriter(tmp_path / "m.jsonl", "train") as metrics:
        hook = HeldoutHook(store, tokenizer, 32, metrics, lambda *a: told.append(a))
        figure = hook(7, model)
    (row,) = read_metrics(tmp_path / "m.jsonl")
    assert figure == row["val/loss"]
    assert told == [(7, row["val/bits_per_byte"])]


def documents(**texts):
    return [
        Document(f"{source}-{i}", text, source)
        for source, found in texts.items()
        for i, text in enumerate(found)
    ]


def test_each_source_is_measured_by_itself(tokenizer, model, tmp_path):
    found = documents(easy=["aaaa " * 200], prose=[TEXT, TEXT], tiny=["x"])
    rows = rows_by_source(found, tokenizer, 32)
    assert list(rows) == ["easy", "prose"], f"less than {LEAST_TOKENS} tokens is none"
    with MetricsWriter(tmp_path / "m.jsonl", "train") as metrics:
        SourceHook(rows, tokenizer, metrics)(7, model)
    (row,) = read_metrics(tmp_path / "m.jsonl")
    for source in rows:
        n_bytes = sum(len(tokenizer.token_bytes(i)) for i in rows[source][:, 1:].flat)
        bits = mean_loss(model, rows[source]) * rows[source][:, 1:].size / math.log(2)
        expected = pytest.approx(bits / n_bytes, rel=1e-5)
        assert row[f"val/bits_per_byte/{source}"] == expected


def test_rows_of_a_source_hold_its_text_and_the_ends_of_its_documents(tokenizer):
    rows = rows_by_source(documents(a=[TEXT], b=["end " * 80] * 3), tokenizer, 64)
    assert tokenizer.decode(rows["a"][0].tolist()) in TEXT
    assert (rows["b"] == tokenizer.endoftext_id).any()
    assert all(part.shape[1] == 65 for part in rows.values())


def test_one_source_alone_is_the_whole_and_not_measured_twice(tokenizer):
    assert rows_by_source(documents(a=[TEXT, TEXT]), tokenizer, 32) == {}
    assert rows_by_source([], tokenizer, 32) == {}


def test_of_many_sources_the_largest_are_measured(tokenizer):
    texts = {f"s{i:02}": [TEXT[: 300 + 40 * i]] for i in range(MOST_SOURCES + 3)}
    rows = rows_by_source(documents(**texts), tokenizer, 32)
    assert list(rows) == sorted(texts)[3:]


def test_dead_units_are_said_once_and_written_always(data, model, tmp_path):
    with torch.no_grad():
        model.layers[0].mlp.up_proj.weight.zero_()
    rows, said = spread_rows(TokenStore.open(data, "heldout"), 33, 4), []
    with MetricsWriter(tmp_path / "m.jsonl", "train") as metrics:
        hook = UnitsHook(rows, metrics, said.append)
        hook(10, model)
        hook(20, model)
    found = [row["units/dead_frac"] for row in read_metrics(tmp_path / "m.jsonl")]
    assert found == [1.0, 1.0]
    assert len(said) == 1 and "dead" in said[0]
