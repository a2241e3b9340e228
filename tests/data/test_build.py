"""Laws of building shards."""

import json

import numpy as np
import pytest

from scratchlm.data import DataConfig, TokenStore, build_shards
from scratchlm.tokenizer import Tokenizer


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
