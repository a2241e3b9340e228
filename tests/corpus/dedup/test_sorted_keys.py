import random
from itertools import pairwise

import numpy as np
import pytest

from scratchlm.corpus.dedup.sorted_keys import (
    RunWriter,
    group_starts,
    merge_runs,
    runs_in,
    sort_records,
    whole_groups,
)


def draw_records(seed, n, n_columns, n_values):
    """Records in which about `n_values` different keys are found."""
    draw = np.random.default_rng(seed)
    values = draw.integers(0, 2**64, n_values, np.uint64)
    records = draw.integers(0, 2**64, (n, n_columns), np.uint64)
    records[:, 0] = draw.choice(values, n)
    return records


def write_runs(directory, shards, run_bytes=6000):
    paths = []
    for index, records in enumerate(shards):
        with RunWriter(directory / str(index), records.shape[1], run_bytes) as writer:
            for part in np.array_split(records, 7):
                writer.add(part)
        paths.append(runs_in(directory / str(index)))
    return paths


def sorted_by_python(shards, n_keys):
    return sorted(
        (*record[:n_keys], place, *record[n_keys:])
        for place, records in enumerate(shards)
        for record in records.tolist()
    )


@pytest.mark.parametrize("n_values", [1, 2, 50, 10**5])
def test_records_are_sorted_by_every_column_in_turn(n_values):
    records = draw_records(1, 500, 3, n_values)
    expected = sorted(map(tuple, records.tolist()))
    assert list(map(tuple, sort_records(records).tolist())) == expected


@pytest.mark.parametrize("n_values", [1, 3, 40, 10**5])
@pytest.mark.parametrize("n_keys", [1, 2])
def test_merged_runs_are_what_sorting_everything_gives(tmp_path, n_values, n_keys):
    shards = [draw_records(seed, 300 * seed, 3, n_values) for seed in range(5)]
    paths = write_runs(tmp_path, shards)
    assert len(paths[4]) > 3
    blocks = list(merge_runs(paths, 3, n_keys, 50_000))
    assert len(blocks) > 5
    merged = [tuple(record) for block in blocks for record in block.tolist()]
    assert merged == sorted_by_python(shards, n_keys)


def test_the_memory_changes_where_blocks_end_and_nothing_else(tmp_path):
    shards = [draw_records(seed, 1000, 2, 60) for seed in range(3)]
    paths = write_runs(tmp_path, shards)
    merges = [list(merge_runs(paths, 2, 1, m)) for m in (4_000, 20_000, 60_000, 10**9)]
    assert len({len(blocks) for blocks in merges}) > 2
    assert len({np.concatenate(blocks).tobytes() for blocks in merges}) == 1


def test_a_block_keeps_to_its_share_of_the_memory_whatever_the_keys(tmp_path):
    for n_values in (1, 100, 10**5):
        shards = [draw_records(seed, 3000, 2, n_values) for seed in range(3)]
        paths = write_runs(tmp_path / str(n_values), shards)
        blocks = merge_runs(paths, 2, 1, 200_000)
        assert max(block.nbytes for block in blocks) <= 1.5 * 200_000 / 8


def test_the_same_records_give_the_same_files_however_they_arrive(tmp_path):
    records = draw_records(0, 1000, 2, 10**5)
    for name, n_parts in (("a", 1), ("b", 13)):
        with RunWriter(tmp_path / name, 2, 2048) as writer:
            for part in np.array_split(records, n_parts):
                writer.add(part)
        assert writer.n_records == 1000
    first, second = (runs_in(tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert len(first) == 8


def test_nothing_merges_to_nothing(tmp_path):
    with RunWriter(tmp_path / "none", 2):
        pass
    assert list(merge_runs([], 2, 1, 1000)) == []
    assert list(merge_runs([runs_in(tmp_path / "none")], 2, 1, 1000)) == []
    assert list(whole_groups([], 1)) == []


def test_whole_groups_never_end_inside_a_group():
    draw = random.Random(0)
    for n_values in (1, 2, 5, 200):
        records = sort_records(draw_records(n_values, 300, 2, n_values))
        cuts = sorted(draw.choices(range(1, 300), k=20))
        blocks = [block for block in np.split(records, cuts) if len(block)]
        whole = list(whole_groups(blocks, 1))
        assert np.concatenate(whole).tobytes() == records.tobytes()
        ends = [(a[-1, 0], b[0, 0]) for a, b in pairwise(whole)]
        assert all(last != first for last, first in ends)


def test_groups_begin_where_any_key_changes():
    records = np.array([[1, 1, 5], [1, 1, 6], [1, 2, 0], [2, 2, 0]], np.uint64)
    assert group_starts(records, 1).tolist() == [0, 3]
    assert group_starts(records, 2).tolist() == [0, 2, 3]
    assert group_starts(records[:0], 1).tolist() == []
