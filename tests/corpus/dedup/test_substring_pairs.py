import random

import numpy as np
import pytest

from scratchlm.corpus.dedup.exact_hits import Marks
from scratchlm.corpus.dedup.sorted_keys import RunWriter, runs_in
from scratchlm.corpus.dedup.substring_pairs import PairFiles, mark_pairs


def pairs_by_python(marks, gone):
    """(place, row, byte) with the first and with the last before, another document."""
    groups = {}
    for place, row, gram, byte in sorted(marks):
        if (place, row) not in gone:
            groups.setdefault(gram, []).append((place, row, byte))
    found = set()
    for members in groups.values():
        for number, own in enumerate(members):
            before = [m for m in members[:number] if m[:2] != own[:2]]
            if before:
                found |= {(*own, *before[0])}
            if before and before[-1][:2] != before[0][:2]:
                found |= {(*own, *before[-1])}
    return found


@pytest.mark.parametrize("memory_bytes", [100, 3000, 10**9])
@pytest.mark.parametrize("gone", [set(), {(0, 1), (1, 0), (1, 4)}])
def test_each_mark_meets_the_first_and_the_last_document_before(
    tmp_path, memory_bytes, gone
):
    draw = random.Random(0)
    marks = {
        (draw.randrange(3), draw.randrange(8), int(40 * draw.random() ** 3), byte)
        for byte in range(400)
    }
    shards = []
    for place in range(3):
        own = [(gram, row, byte) for p, row, gram, byte in marks if p == place]
        with RunWriter(tmp_path / str(place), 3, 600) as writer:
            writer.add(np.array(own, np.uint64))
        shards.append(runs_in(tmp_path / str(place)))
    flags = Marks([8, 8, 8])
    for place, row in gone:
        flags.add(place, np.array([row]))
    found = [
        tuple(pair)
        for pairs in mark_pairs(shards, flags, None, memory_bytes)
        for pair in pairs.tolist()
    ]
    assert len(found) == len(set(found))
    asked = Marks([8, 8, 8])
    asked.add(1, np.array([2, 3]))
    some = mark_pairs(shards, flags, asked, memory_bytes)
    assert [tuple(pair) for pairs in some for pair in pairs.tolist()] == [
        pair for pair in found if pair[:2] in ((1, 2), (1, 3))
    ]
    assert set(found) == pairs_by_python(marks, gone)


def test_pairs_come_by_document_and_name_all_that_they_need(tmp_path):
    draw = np.random.default_rng(1)
    pairs = draw.integers(0, 5, (300, 6), np.uint64)
    files = PairFiles(tmp_path, iter(np.array_split(pairs, 4)))
    read = [
        (place, row, *pair)
        for place, row, some in files.by_document(2000)
        for pair in some.tolist()
    ]
    assert read == sorted(map(tuple, pairs.tolist()))
    expected = sorted({(p[3], p[4]) for p in pairs.tolist()})
    assert list(map(tuple, files.earlier(2000).tolist())) == expected
