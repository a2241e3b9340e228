"""Hits against a reading of the rules in plain Python, on small made-up corpora."""

import random

import numpy as np
import pytest

from scratchlm.corpus.dedup.exact_hits import (
    ALL,
    Marks,
    Wording,
    decide_by_hits,
    shard_order,
)
from scratchlm.corpus.dedup.exact_rows import Rows, RowWriter
from scratchlm.corpus.flow.decisions import read_decisions
from scratchlm.corpus.flow.rounds import CorpusWork, decisions_path


@pytest.fixture
def decide(small_flow, tmp_path, document):
    """`decide(sizes by shard, find, min_left_bytes)`: the decisions by shard."""

    def run(sizes, find, min_left_bytes=0, memory_bytes=10**6):
        shards = [
            [document(f"{place}.{row}", "x" * n) for row, n in enumerate(some)]
            for place, some in enumerate(sizes)
        ]
        flow = small_flow(shards, name=f"decide{memory_bytes}")
        rows = []
        for shard in flow.shards:
            directory = flow.directory / f"rows{shard.index}"
            with RowWriter(directory, shard.n_rows) as writer:
                for batch in shard.batches():
                    writer.add(batch)
            rows.append(Rows(directory))
        out = flow.directory / "out"
        work = CorpusWork(None, flow.shards, {}, {}, out, memory_bytes)
        decide_by_hits(work, rows, Wording("repeated", min_left_bytes), find)
        assert sorted(path.name for path in out.iterdir()) == ["decisions"]
        paths = [decisions_path(out, shard.index) for shard in flow.shards]
        return [read_decisions(path) for path in paths]

    return run


def finder(hits):
    """Hits as a step would find them, in no order."""

    def find(gone, asked, memory_bytes):
        shuffled = random.Random(0).sample(hits, len(hits))
        records = np.array(shuffled, np.uint64).reshape(-1, 6)
        keep = ~gone.of(records[:, 0], records[:, 1])
        keep &= ~gone.of(records[:, 4], records[:, 5])
        if asked is not None:
            keep &= asked.of(records[:, 0], records[:, 1])
        yield records[keep]

    return find


def cuts(decisions):
    return [(d.row, d.begin, d.end, d.of) for d in decisions]


def test_overlapping_hits_are_cut_once(decide):
    hits = [(1, 0, 10, 30, 0, 0), (1, 0, 20, 40, 0, 1), (1, 0, 25, 28, 0, 0)]
    (_, decisions) = decide([[50, 50], [100]], finder(hits))
    assert cuts(decisions) == [(0, 10, 40, "0.0")]
    assert [decision.value for decision in decisions] == [0.3]


def test_neighbours_are_one_cut_and_name_what_has_the_most_of_it(decide):
    hits = [(0, 3, 0, 5, 0, 0), (0, 3, 5, 30, 0, 2), (0, 3, 30, 35, 0, 1)]
    (decisions,) = decide([[50, 50, 50, 100]], finder([*hits, (0, 3, 36, 40, 0, 1)]))
    assert cuts(decisions) == [(3, 0, 35, "0.2"), (3, 36, 40, "0.1")]


def test_cuts_cover_what_hits_cover_and_never_overlap(decide):
    draw = random.Random(1)
    hits = []
    for _ in range(300):
        begin = draw.randrange(90)
        hits.append((1, draw.randrange(9), begin, begin + draw.randint(1, 10), 0, 0))
    covered = {(row, n) for _, row, begin, end, *_ in hits for n in range(begin, end)}
    for memory_bytes in (300, 10**6):
        _, decisions = decide([[100], [100] * 9], finder(hits), 0, memory_bytes)
        bytes_cut = [(d.row, n) for d in decisions for n in range(d.begin, d.end)]
        assert len(bytes_cut) == len(set(bytes_cut))
        assert set(bytes_cut) == covered


def test_too_little_left_is_counted_on_what_hits_cover_together(decide):
    hits = [
        (0, 1, 0, 60, 0, 0),
        (0, 1, 40, 90, 0, 0),  # 10 of 100 bytes are left
        (0, 2, 0, 45, 0, 0),
        (0, 2, 0, 45, 0, 1),  # 55 are
    ]
    (decisions,) = decide([[100, 100, 100]], finder(hits), 50)
    assert decisions[0].drops
    assert decisions[0].reason == "fewer than 50 bytes left"
    assert cuts(decisions[1:]) == [(2, 0, 45, "0.0")]


def test_what_stood_in_a_document_that_goes_is_not_cut_elsewhere(decide):
    hits = [
        (0, 1, 0, 90, 0, 0),  # goes
        (0, 2, 0, 10, 0, 1),  # stood in it
        (0, 3, 0, 10, 0, 1),
        (0, 3, 0, 10, 0, 2),  # stands here now
        (0, 4, 5, 9, 0, 0),
    ]
    (decisions,) = decide([[100] * 5], finder(hits), 50)
    assert cuts(decisions) == [
        (1, -1, -1, "0.0"),
        (3, 0, 10, "0.2"),
        (4, 5, 9, "0.0"),
    ]


def test_whole_rows_go_without_a_look_at_their_size(decide):
    (decisions,) = decide([[5, 5, 5]], finder([(0, 2, int(ALL), int(ALL), 0, 0)]))
    assert cuts(decisions) == [(2, -1, -1, "0.0")]
    assert decisions[0].reason == "repeated"


def test_places_go_by_priority_then_by_index_and_unknown_sources_last(
    small_flow, document, tmp_path
):
    sources = ["b", "canary", "a", "b", "c"]
    flow = small_flow([[document("d", "x", source)] for source in sources])
    priorities = {"a": 0.0, "b": -1.5, "c": 2.0}
    work = CorpusWork(None, flow.shards, {}, priorities, tmp_path, 1)
    assert shard_order(work) == [4, 2, 0, 3, 1]


def test_marks_are_those_of_their_shard():
    marks = Marks([3, 0, 2])
    assert not marks
    marks.add(2, np.array([1]))
    assert marks
    places, rows = np.array([[0, 0, 0, 2, 2], [0, 1, 2, 0, 1]], np.uint64)
    assert marks.of(places, rows).tolist() == [False] * 4 + [True]
