"""Laws of what a killed build leaves."""

import json
from dataclasses import replace

import numpy as np
import pytest

from scratchlm.data.shard import write_shard
from scratchlm.data.store import SplitIndex
from scratchlm.data.unfinished import (
    UNFINISHED_NAME,
    Reached,
    Unfinished,
    read_unfinished,
)

HASH = "ab" * 32


@pytest.fixture
def state(tmp_path):
    for name in ("a_00000.bin", "b_00000.bin"):
        write_shard(tmp_path / name, "tokens", np.arange(5, dtype=np.uint16), 1, HASH)
    for name in ("a_documents.bin", "b_00000.ends"):
        ends = np.arange(2, dtype=np.int64)
        write_shard(tmp_path / name, "documents", ends, 1, HASH)
    done = SplitIndex(5, 1, 9, ("a_00000.bin",), "a_documents.bin")
    reached = Reached(3, 4, 2, 20, n_shards=1, n_ends=1)
    return Unfinished("key").with_done("a", done).at("b", reached)


def test_what_was_written_is_read(state, tmp_path):
    state.write(tmp_path)
    found = read_unfinished(tmp_path, "key")
    assert found == state
    assert found.reached_in("b") == state.reached
    assert found.reached_in("c") == Reached()


def test_a_build_of_something_else_begins_anew(state, tmp_path):
    assert read_unfinished(tmp_path, "key") is None
    state.write(tmp_path)
    assert read_unfinished(tmp_path, "other") is None
    assert read_unfinished(tmp_path, None) is None


def test_a_build_that_cannot_go_on_leaves_nothing(state, tmp_path):
    replace(state, key=None).write(tmp_path)
    assert not (tmp_path / UNFINISHED_NAME).exists()


def test_a_shard_missing_or_cut_off_begins_anew(state, tmp_path):
    for path in sorted(tmp_path.iterdir()):
        state.write(tmp_path)
        data = path.read_bytes()
        path.write_bytes(data[:-1])
        assert read_unfinished(tmp_path, "key") is None
        path.unlink()
        assert read_unfinished(tmp_path, "key") is None
        path.write_bytes(data)
        assert read_unfinished(tmp_path, "key") == state


@pytest.mark.parametrize("damage", ["{", "[]", "{}", '{"format": "x"}'])
def test_a_file_that_is_not_ours_begins_anew(state, tmp_path, damage):
    state.write(tmp_path)
    (tmp_path / UNFINISHED_NAME).write_text(damage)
    assert read_unfinished(tmp_path, "key") is None


def test_a_field_too_many_begins_anew(state, tmp_path):
    state.write(tmp_path)
    path = tmp_path / UNFINISHED_NAME
    content = json.loads(path.read_text())
    content["reached"]["more"] = 1
    path.write_text(json.dumps(content))
    assert read_unfinished(tmp_path, "key") is None
