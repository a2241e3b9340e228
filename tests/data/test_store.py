"""Laws of reading many files as one array."""

import json
import pickle
import random
import shutil

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.data import DataConfig, TokenStore, build_shards
from scratchlm.tokenizer import Tokenizer


@pytest.fixture
def copy(directory, tmp_path):
    return shutil.copytree(directory, tmp_path / "copy")


def test_any_slice_is_the_slice_of_the_stream(store, stream):
    assert len(store) == len(stream) > 500
    draw = random.Random(0)
    for _ in range(300):
        a, b = draw.randrange(len(stream)), draw.randrange(len(stream))
        assert store[a:b].tolist() == stream[a:b]
    assert store[:].tolist() == stream
    assert store[-7:].tolist() == stream[-7:]
    assert store[5 : 10**9].tolist() == stream[5:]
    assert store[3:3].dtype == store[:].dtype == np.uint16


def test_document_offsets_mark_every_document(store, documents, tokenizer):
    offsets = store.document_offsets.tolist()
    assert len(offsets) == store.n_documents + 1 == len(documents["train"]) + 1
    for text, a, b in zip(documents["train"], offsets, offsets[1:], strict=False):
        assert tokenizer.decode(store[a:b]) == text
        assert store[b - 1 : b].tolist() == [tokenizer.endoftext_id]


def test_a_store_survives_pickling_without_its_maps(store, stream):
    before = len(pickle.dumps(store))
    store[:]
    assert len(pickle.dumps(store)) == before
    assert pickle.loads(pickle.dumps(store))[:].tolist() == stream


def test_bytes_are_those_of_the_texts(directory, documents):
    for split, texts in documents.items():
        n_bytes = sum(len(text.encode()) for text in texts)
        assert TokenStore.open(directory, split).n_bytes == n_bytes


def test_every_file_cut_short_or_missing_is_noticed_on_opening(copy):
    for path in sorted(copy.glob("train_*.bin")):
        data = path.read_bytes()
        path.write_bytes(data[:-1])
        with pytest.raises(UserError, match=path.name):
            TokenStore.open(copy, "train")
        path.unlink()
        with pytest.raises(UserError, match=path.name):
            TokenStore.open(copy, "train")
        path.write_bytes(data)
    TokenStore.open(copy, "train").verify()


def test_a_flipped_token_is_noticed_by_verify(copy):
    path = copy / "train_00001.bin"
    data = bytearray(path.read_bytes())
    data[150] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"train_00001\.bin is damaged"):
        TokenStore.open(copy, "train").verify()


def test_a_shard_of_another_build_is_refused(copy, documents, tokenizer, tmp_path):
    more = {"train": [*documents["train"][::-1], "more"]}
    build_shards(DataConfig(shard_tokens=99), more, tokenizer, tmp_path / "b")
    shutil.copy(tmp_path / "b" / "train_00002.bin", copy / "train_00002.bin")
    with pytest.raises(UserError, match="not those"):
        TokenStore.open(copy, "train")


def test_a_shard_of_another_tokenizer_is_refused(copy, tmp_path, documents):
    other = Tokenizer.own([(97, 98)])
    config = DataConfig(shard_tokens=100)
    build_shards(config, documents, other, tmp_path / "b")
    shutil.copy(tmp_path / "b" / "train_00000.bin", copy / "train_00000.bin")
    with pytest.raises(UserError, match="another tokenizer"):
        TokenStore.open(copy, "train")


def test_a_directory_without_data_or_without_that_split_says_so(directory, tmp_path):
    with pytest.raises(UserError, match="build it first"):
        TokenStore.open(tmp_path, "train")
    with pytest.raises(UserError, match="only heldout, train"):
        TokenStore.open(directory, "test")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "JSON"), ("[]", "not an index"), ('{"format": "x"}', "not an index")],
)
def test_a_truncated_or_foreign_index_is_refused(copy, text, reason):
    (copy / "shards.json").write_text(text)
    with pytest.raises(UserError, match=reason):
        TokenStore.open(copy, "train")


def test_an_edited_index_is_refused(copy):
    index = json.loads((copy / "shards.json").read_text())
    train = index["splits"]["train"]
    edits = [{**train, "n_tokens": 1}, {**train, "more": 1}, {"n_tokens": 1}]
    for entry in edits:
        edited = {**index, "splits": {"train": entry}}
        (copy / "shards.json").write_text(json.dumps(edited))
        with pytest.raises(UserError, match="not those"):
            TokenStore.open(copy, "train")
    (copy / "shards.json").write_text(json.dumps({**index, "splits": {}}))
    with pytest.raises(UserError, match="no split"):
        TokenStore.open(copy, "train")
    del index["seed"]
    (copy / "shards.json").write_text(json.dumps(index))
    with pytest.raises(UserError, match="not those"):
        TokenStore.open(copy, "train")


def test_an_index_of_another_version_is_refused(copy):
    index = json.loads((copy / "shards.json").read_text())
    (copy / "shards.json").write_text(json.dumps({**index, "version": 9}))
    with pytest.raises(UserError, match="another version"):
        TokenStore.open(copy, "train")


def test_every_damaged_file_is_found(copy):
    store = TokenStore.open(copy, "train")
    assert store.find_damage() == []
    assert store.n_files == len(list(copy.glob("train_0*.bin")))
    for name in ("train_00001.bin", "train_documents.bin"):
        data = bytearray((copy / name).read_bytes())
        data[-1] ^= 1
        (copy / name).write_bytes(data)
    found = TokenStore.open(copy, "train").find_damage()
    assert len(found) == 2
    assert "train_00001.bin is damaged" in found[0]
    assert "train_documents.bin is damaged" in found[1]


def test_any_token_and_any_border_decides_the_fingerprint(tokenizer, tmp_path):
    prints = set()
    for number, texts in enumerate(
        (["ab", "c"], ["a", "bc"], ["ab", "d"], ["ab", "c"])
    ):
        build_shards(DataConfig(), {"x": texts}, tokenizer, tmp_path / str(number))
        prints.add(TokenStore.open(tmp_path / str(number), "x").fingerprint)
    assert len(prints) == 3
