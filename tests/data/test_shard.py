"""Laws of one file of numbers."""

import hashlib
import struct

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.data.shard import (
    map_items,
    read_header,
    verify_items,
    write_parts,
    write_shard,
)

TOKENIZER = "ab" * 32


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "train_00000.bin"
    write_shard(path, "tokens", np.arange(500, dtype=np.uint16), 3, TOKENIZER)
    return path


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.int64, ">u2", ">u4"])
def test_numbers_come_back_as_they_went_in(tmp_path, dtype):
    items = np.array([0, 1, 65535, 77], dtype=dtype)
    written = write_shard(tmp_path / "s", "tokens", items, 2, TOKENIZER)
    header = read_header(tmp_path / "s", "tokens")
    assert header == written
    assert (header.n_items, header.n_documents) == (4, 2)
    assert map_items(tmp_path / "s", header).tolist() == items.tolist()


def test_the_bytes_are_those_of_the_documented_layout(path):
    data = path.read_bytes()
    content = b"".join(struct.pack("<H", i) for i in range(500))
    assert data[128:] == content
    assert data[:32] == b"SLMTOKEN" + struct.pack("<IIQQ", 1, 2, 500, 3)
    assert data[32:64] == bytes.fromhex(TOKENIZER)
    assert data[64:96] == hashlib.sha256(content).digest()
    assert data[100:128] == bytes(28)


def test_a_file_cut_anywhere_or_appended_to_is_refused(path):
    data = path.read_bytes()
    for cut in [*(data[:size] for size in range(0, 1128, 47)), data + b"\0"]:
        path.write_bytes(cut)
        with pytest.raises(UserError, match=str(path)):
            read_header(path, "tokens")


def test_any_flipped_byte_is_noticed(path):
    data = bytearray(path.read_bytes())
    for at in [*range(100), 128, 600, 1127]:
        path.write_bytes(bytes([*data[:at], data[at] ^ 1, *data[at + 1 :]]))
        with pytest.raises(UserError, match="build"):
            verify_items(path, read_header(path, "tokens"))


def test_a_file_of_another_kind_is_refused(path, tmp_path):
    with pytest.raises(UserError, match="not a ScratchLM file of documents"):
        read_header(path, "documents")
    (tmp_path / "text").write_text("hello " * 100)
    with pytest.raises(UserError, match="not a ScratchLM file"):
        read_header(tmp_path / "text", "tokens")


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="build the data again"):
        read_header(tmp_path / "none.bin", "tokens")


def test_mapped_numbers_cannot_be_written(path):
    items = map_items(path, read_header(path, "tokens"))
    with pytest.raises(ValueError, match="read-only"):
        items[0] = 1


def test_parts_give_the_bytes_of_the_whole(path, tmp_path):
    items = np.arange(500, dtype=np.uint16)
    parts = iter([items[:0], items[:7], items[7:400], items[400:]])
    header = write_parts(tmp_path / "b", "tokens", parts, 3, TOKENIZER)
    assert header == read_header(path, "tokens")
    assert (tmp_path / "b").read_bytes() == path.read_bytes()


def test_parts_that_fail_leave_what_was_there(path):
    def failing():
        yield np.zeros(3, np.uint16)
        raise RuntimeError

    before = path.read_bytes()
    with pytest.raises(RuntimeError):
        write_parts(path, "tokens", failing(), 0, TOKENIZER)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]
