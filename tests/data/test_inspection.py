"""Laws of the doctor of data."""

import json
import shutil

import numpy as np
import pytest

from scratchlm.data import DataConfig, TokenStore, build_shards, inspect_data
from scratchlm.data import pack_documents as pack
from scratchlm.data.shard import write_shard
from scratchlm.tokenizer import Tokenizer


@pytest.fixture
def copy(directory, tmp_path):
    return shutil.copytree(directory, tmp_path / "copy")


def overwrite(path, tokenizer, place, value):
    """Put another id into a shard, with a checksum that fits."""
    store = TokenStore.open(path.parent, "train")
    number = int(path.stem[-5:])
    tokens = np.array(store._map(number))
    header = store._headers[number]
    tokens[place] = value
    write_shard(path, "tokens", tokens, header.n_documents, tokenizer.sha256)


def test_sound_data_has_no_problem_and_is_described(
    directory, tokenizer, documents, stream, tmp_path
):
    report = inspect_data(directory, tokenizer, context_length=16)
    assert report.problems == ()
    train = report.splits["train"]
    assert (train.n_tokens, train.n_documents) == (len(stream), 60)
    assert train.n_bytes == len("".join(documents["train"]).encode())
    assert train.n_empty == documents["train"].count("")
    lengths = sorted(len(tokenizer.encode(t)) + 1 for t in documents["train"])
    assert (train.shortest_tokens, train.longest_tokens) == (lengths[0], lengths[-1])
    assert train.median_tokens == lengths[30]
    assert train.highest_id == max(stream)
    assert train.n_ids_used == len(set(stream))
    packing = pack(TokenStore.open(directory, "train"), 16, tmp_path)
    assert train.padding_frac == packing.padding_frac
    lines = report.lines()
    assert len(lines) == 3
    assert lines[-1] == "no problem found"
    assert "60 documents" in lines[1]
    json.dumps(report.to_json())


def test_samples_are_beginnings_of_documents(directory, tokenizer, documents):
    samples = inspect_data(directory, tokenizer, n_samples=7).splits["train"].samples
    assert len(samples) == 7
    assert all(any(t.startswith(s) for t in documents["train"]) for s in samples)
    assert inspect_data(directory).splits["train"].samples == ()
    few = inspect_data(directory, tokenizer, n_samples=50).splits["heldout"].samples
    assert list(few) == documents["heldout"]


def test_every_damaged_file_is_named(copy, tokenizer):
    names = ["train_00001.bin", "train_00003.bin"]
    for name in names:
        data = bytearray((copy / name).read_bytes())
        data[140] ^= 1
        (copy / name).write_bytes(data)
    (copy / "heldout_00000.bin").unlink()
    problems = inspect_data(copy, tokenizer).problems
    for name in [*names, "heldout_00000.bin"]:
        assert any(name in line for line in problems)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (60_000, "1 ids lie outside the vocabulary of 300"),
        (285, "1 ids stand for no text, the first is 285"),
        (284, "ends of documents for 60 documents"),
    ],
)
def test_an_id_that_text_never_has_is_a_problem(copy, tokenizer, value, reason):
    assert tokenizer.endoftext_id == 284
    overwrite(copy / "train_00002.bin", tokenizer, 3, value)
    [problem] = inspect_data(copy, tokenizer).problems
    assert problem.startswith("train: ")
    assert reason in problem


def test_a_document_without_its_end_is_a_problem(copy, tokenizer, stream):
    shard, place = divmod(stream.index(tokenizer.endoftext_id), 100)
    path = copy / f"train_{shard:05d}.bin"
    overwrite(path, tokenizer, place, 97)
    overwrite(path, tokenizer, place + 1, tokenizer.endoftext_id)
    [problem] = inspect_data(copy, tokenizer).problems
    assert "60 ends of documents for 60 documents" in problem


def test_offsets_that_do_not_ascend_are_a_problem(copy, tokenizer):
    offsets = np.array(TokenStore.open(copy, "train").document_offsets)
    offsets[5] = offsets[4]
    write_shard(
        copy / "train_documents.bin", "documents", offsets, 60, tokenizer.sha256
    )
    [problem] = inspect_data(copy, tokenizer).problems
    assert "do not lie one after the other" in problem


def test_another_tokenizer_is_a_problem(directory):
    other = Tokenizer.own([(97, 98)], vocab_size=300)
    found = [line for line in inspect_data(directory, other).problems if "made" in line]
    assert [line.partition(":")[0] for line in found] == ["heldout", "train"]


def test_no_data_a_foreign_index_and_a_build_under_way_are_problems(
    directory, tmp_path
):
    assert "build it first" in inspect_data(tmp_path).problems[0]
    (tmp_path / "unfinished.json").write_text("{}")
    assert "has not ended" in inspect_data(tmp_path).problems[0]
    (tmp_path / "shards.json").write_text("{")
    assert "JSON" in inspect_data(tmp_path).problems[1]


def test_an_empty_split_is_no_problem(tokenizer, tmp_path):
    build_shards(DataConfig(), {"train": [], "more": [""]}, tokenizer, tmp_path)
    report = inspect_data(tmp_path, tokenizer, context_length=8)
    assert report.problems == ()
    assert report.splits["train"].highest_id is None
    assert report.splits["more"].n_empty == 1
    assert report.splits["more"].padding_frac is None
