"""Laws of building shards."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.progress import Progress
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.table import write_documents
from scratchlm.data import (
    DataConfig,
    ParquetTexts,
    PlainTexts,
    TokenStore,
    build_shards,
)
from scratchlm.tokenizer import Tokenizer

# Builds in a process of its own that dies when it draws text number argv[3].
KILLED = """
import json, os, signal, sys
from pathlib import Path
from scratchlm.data import DataConfig, PlainTexts, build_shards, texts
from scratchlm.tokenizer import Tokenizer

folder, directory, last, threads = Path(sys.argv[1]), *sys.argv[2:]
texts.CHUNK_TEXTS = 2

def draw(split):
    for number, text in enumerate(splits[split]):
        if split == "train" and number == int(last):
            os.kill(os.getpid(), signal.SIGKILL)
        yield text

splits = json.loads((folder / "texts.json").read_text())
build_shards(
    DataConfig(shard_tokens=100, seed=5),
    {split: PlainTexts(draw(split), split) for split in ("heldout", "train")},
    Tokenizer.load(folder / "tokenizer.json"),
    Path(directory),
    threads=int(threads),
)
"""


def read_all(directory):
    return {p.name: p.read_bytes() for p in sorted(directory.iterdir())}


@pytest.mark.parametrize("shard_tokens", [1, 7, 64, 1 << 20])
def test_the_size_of_the_shards_changes_no_token(
    shard_tokens, documents, tokenizer, stream, tmp_path
):
    some = {"train": documents["train"][:4]}
    build_shards(DataConfig(shard_tokens=shard_tokens), some, tokenizer, tmp_path)
    store = TokenStore.open(tmp_path, "train")
    store.verify()
    assert store[:].tolist() == stream[: len(store)]
    sizes = [p.stat().st_size - 128 for p in sorted(tmp_path.glob("train_0*.bin"))]
    assert all(size == 2 * shard_tokens for size in sizes[:-1])
    assert 0 < sizes[-1] <= 2 * shard_tokens


def test_building_again_gives_the_same_bytes(directory, documents, tokenizer, tmp_path):
    build_shards(DataConfig(shard_tokens=100, seed=5), documents, tokenizer, tmp_path)
    assert read_all(tmp_path) == read_all(directory)


def test_shards_of_an_earlier_longer_build_are_gone(documents, tokenizer, tmp_path):
    build_shards(DataConfig(shard_tokens=50), documents, tokenizer, tmp_path / "a")
    few = {"train": documents["train"][:5], "heldout": ["x"]}
    build_shards(DataConfig(shard_tokens=50), few, tokenizer, tmp_path / "a")
    build_shards(DataConfig(shard_tokens=50), few, tokenizer, tmp_path / "b")
    assert read_all(tmp_path / "a") == read_all(tmp_path / "b")


def test_a_build_that_stops_half_way_leaves_no_index(documents, tokenizer, tmp_path):
    build_shards(DataConfig(), documents, tokenizer, tmp_path)

    def failing():
        yield "one"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        build_shards(DataConfig(), {"train": failing()}, tokenizer, tmp_path)
    assert not (tmp_path / "shards.json").exists()


def test_the_index_counts_tokens_documents_and_bytes(directory, documents, stream):
    split = json.loads((directory / "shards.json").read_text())["splits"]["train"]
    assert split["n_tokens"] == len(stream)
    assert split["n_documents"] == len(documents["train"])
    assert split["n_bytes"] == len("".join(documents["train"]).encode())


def test_headers_count_each_document_in_the_shard_where_it_ends(store, stream):
    headers = store._headers
    assert sum(header.n_documents for header in headers) == store.n_documents
    end = stream[-1]
    for shard, header in enumerate(headers):
        inside = np.array(stream[shard * 100 : (shard + 1) * 100])
        assert header.n_documents == (inside == end).sum()


def test_a_split_without_documents_is_empty_not_an_error(tokenizer, tmp_path):
    build_shards(DataConfig(), {"heldout": []}, tokenizer, tmp_path)
    store = TokenStore.open(tmp_path, "heldout")
    assert len(store) == store.n_bytes == store.n_documents == 0
    assert store[:].tolist() == []


def test_a_large_vocabulary_is_stored_in_32_bits(documents, tmp_path):
    tokenizer = Tokenizer.own((), vocab_size=100_000)
    build_shards(DataConfig(), {"train": ["abc"]}, tokenizer, tmp_path)
    tokens = TokenStore.open(tmp_path, "train")[:]
    assert tokens.dtype == np.uint32
    assert tokens.tolist() == [97, 98, 99, tokenizer.endoftext_id]


@pytest.mark.parametrize("threads", [0, 1, 2, 5])
def test_the_number_of_threads_changes_no_byte(
    threads, directory, documents, tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setattr("scratchlm.data.texts.CHUNK_TEXTS", 3)
    config = DataConfig(shard_tokens=100, seed=5)
    build_shards(config, documents, tokenizer, tmp_path, threads=threads)
    assert read_all(tmp_path) == read_all(directory)


def test_parquet_shards_and_an_iterable_give_the_same_bytes(
    directory, documents, tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setattr("scratchlm.corpus.flow.table.GROUP_ROWS", 7)
    sources = {}
    for split, texts in documents.items():
        rows = [Document(str(i), text, "s") for i, text in enumerate(texts)]
        paths = [tmp_path / f"{split}{part}.parquet" for part in (0, 1)]
        write_documents(paths[0], rows[:20])
        write_documents(paths[1], rows[20:])
        sources[split] = ParquetTexts(paths)
    config = DataConfig(shard_tokens=100, seed=5)
    build_shards(config, sources, tokenizer, tmp_path / "data")
    assert read_all(tmp_path / "data") == read_all(directory)


def test_a_build_killed_again_and_again_goes_on_and_gives_the_same_bytes(
    directory, documents, tokenizer, tmp_path
):
    (tmp_path / "texts.json").write_text(json.dumps(documents))
    tokenizer.save(tmp_path / "tokenizer.json")
    data = tmp_path / "data"
    kept = []
    for last, threads, status in ((20, 2, -signal.SIGKILL), (45, 0, -9), (999, 1, 0)):
        command = [sys.executable, "-c", KILLED, tmp_path, data, last, threads]
        done = subprocess.run(list(map(str, command)), timeout=60, check=False)
        assert done.returncode == status
        for name in kept:
            assert (data / name).stat().st_mtime == 0, f"{name} was written again"
        if status:
            assert (data / "unfinished.json").exists()
            assert not (data / "shards.json").exists()
            reached = json.loads((data / "unfinished.json").read_text())["reached"]
            assert reached["n_shards"] > len(kept)
            kept = [f"train_{i:05d}.bin" for i in range(reached["n_shards"])]
            for name in kept:
                os.utime(data / name, (0, 0))
    found, expected = read_all(data), read_all(directory)
    assert json.loads(found.pop("shards.json")) == json.loads(
        expected.pop("shards.json")
    )
    assert found == expected


def fail_after(texts, number):
    yield from texts[:number]
    raise KeyboardInterrupt


@pytest.mark.parametrize("change", ["texts", "config", "tokenizer", "none"])
def test_only_the_same_build_goes_on(
    change, documents, tokenizer, tmp_path, monkeypatch
):
    monkeypatch.setattr("scratchlm.data.texts.CHUNK_TEXTS", 2)
    texts, config = documents["train"], DataConfig(shard_tokens=100)
    interrupted = {"train": PlainTexts(fail_after(texts, 30), "fingerprint")}
    with pytest.raises(KeyboardInterrupt):
        build_shards(config, interrupted, tokenizer, tmp_path, threads=0)
    first = tmp_path / "train_00000.bin"
    os.utime(first, (0, 0))
    build_shards(
        DataConfig(shard_tokens=50) if change == "config" else config,
        {"train": PlainTexts(texts, "other" if change == "texts" else "fingerprint")},
        Tokenizer.own([(97, 98)]) if change == "tokenizer" else tokenizer,
        tmp_path,
        threads=0,
    )
    assert (first.stat().st_mtime == 0) == (change == "none")
    TokenStore.open(tmp_path, "train").verify()
    kinds = {path.name.partition(".")[2] for path in tmp_path.iterdir()}
    assert kinds == {"bin", "json"}
    assert not (tmp_path / "unfinished.json").exists()


def test_texts_that_cannot_be_told_apart_begin_anew(documents, tokenizer, tmp_path):
    texts, config = documents["train"], DataConfig(shard_tokens=100)
    with pytest.raises(KeyboardInterrupt):
        build_shards(config, {"train": fail_after(texts, 30)}, tokenizer, tmp_path)
    assert not (tmp_path / "unfinished.json").exists()
    build_shards(config, {"train": texts[::-1]}, tokenizer, tmp_path)
    ids = TokenStore.open(tmp_path, "train")[:20]
    assert tokenizer.decode(ids)[:10] == "".join(texts[::-1])[:10]


def test_a_place_that_cannot_be_written_is_one_line(tokenizer, tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="cannot be written"):
            build_shards(DataConfig(), {"train": ["x"]}, tokenizer, place)


def test_a_lone_surrogate_becomes_the_replacement_character(tokenizer, tmp_path):
    texts = ["a\udc80b", "ok"]
    build_shards(DataConfig(), {"train": texts}, tokenizer, tmp_path)
    store = TokenStore.open(tmp_path, "train")
    assert tokenizer.decode(store[: store.document_offsets[1]]) == "a\ufffdb"
    assert store.n_bytes == len("a\ufffdbok".encode())


def test_progress_tells_how_far_it_is(documents, tokenizer, tmp_path):
    told = []

    class Listening(Progress):
        def update(self, done, total, note=""):
            told.append((done, total, note))

    rows = [Document(str(i), text, "s") for i, text in enumerate(documents["train"])]
    write_documents(tmp_path / "0.parquet", rows)
    source = ParquetTexts([tmp_path / "0.parquet"])
    listening = Listening("data")
    build_shards(DataConfig(), {"train": source}, tokenizer, tmp_path / "d", listening)
    n_tokens = len(TokenStore.open(tmp_path / "d", "train"))
    assert told[-1][:2] == (1, 1)
    assert told[-1][2].startswith("train ")
    assert n_tokens > 1000
