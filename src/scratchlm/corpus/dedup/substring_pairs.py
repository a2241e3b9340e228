"""Which documents to compare, and where: two places that have one mark.

A pair is a record (place, row, byte, of_place, of_row, of_byte): the mark at `byte`
of a document stands in the earlier document `of` as well. N: pairs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from scratchlm.corpus.dedup.exact_hits import Marks
from scratchlm.corpus.dedup.sorted_keys import (
    Records,
    RunWriter,
    group_starts,
    merge_runs,
    runs_in,
    whole_groups,
)
from scratchlm.corpus.dedup.words import Indices

MARK_COLUMNS, PAIR_COLUMNS = 3, 6


def mark_pairs(
    shards: Sequence[Sequence[Path]],
    gone: Marks,
    asked: Marks | None,
    memory_bytes: int,
) -> Iterator[Records]:
    """Each mark with the first document that has it and with the last one before its
    own, if that is another: (N, 6) in any order. Documents that are gone are left out;
    pairs of others than those asked for, if any are, too.
    """
    carried = np.empty((0, MARK_COLUMNS + 1), np.uint64)
    for block in merge_runs(shards, MARK_COLUMNS, 1, memory_bytes):
        if gone:
            block = block[~gone.of(block[:, 1], block[:, 2])]
        block, n_carried = np.concatenate([carried, block]), len(carried)
        if not len(block):
            continue
        first = _begins(block, 1)
        own = _begins(block, 3)
        later = np.flatnonzero(own > first)
        later = later[later >= n_carried]
        if asked is not None:
            later = later[asked.of(block[later, 1], block[later, 2])]
        yield _pairs(block, later, first[later])
        before = own[later] - 1
        other = own[before] > first[later]
        yield _pairs(block, later[other], before[other])
        last = len(block) - 1
        # what pairs of the next block may still need of this group
        needed = {int(first[last]), max(int(own[last]) - 1, int(first[last])), last}
        carried = block[sorted(needed)]


class PairFiles:
    """Pairs sorted by document, and the documents that they are compared with."""

    def __init__(self, directory: Path, pairs: Iterator[Records]) -> None:
        with (
            RunWriter(directory / "pairs", PAIR_COLUMNS) as found,
            RunWriter(directory / "of", 2) as of,
        ):
            for some in pairs:
                found.add(some)
                of.add(some[:, 3:5])
        self._pairs, self._of = runs_in(directory / "pairs"), runs_in(directory / "of")

    def earlier(self, memory_bytes: int) -> Records:
        """The place and row of all that something is compared with, in order."""
        parts = [np.empty((0, 2), np.uint64)]
        for block in whole_groups(merge_runs([self._of], 2, 2, memory_bytes), 2):
            parts.append(block[group_starts(block, 2), :2])
        return np.concatenate(parts)

    def by_document(self, memory_bytes: int) -> Iterator[tuple[int, int, Records]]:
        """Place, row and pairs (N, 4: byte, of_place, of_row, of_byte), in order."""
        n_columns = PAIR_COLUMNS
        blocks = merge_runs([self._pairs], n_columns, n_columns, memory_bytes)
        for block in whole_groups(blocks, 2):
            for pairs in np.split(block, group_starts(block, 2)[1:]):
                yield int(pairs[0, 0]), int(pairs[0, 1]), pairs[:, 2:PAIR_COLUMNS]


def _begins(records: Records, n_keys: int) -> Indices:
    """Where the group of each record begins: (N,)."""
    starts = group_starts(records, n_keys)
    return np.repeat(starts, np.diff(np.append(starts, len(records))))


def _pairs(block: Records, later: Indices, earlier: Indices) -> Records:
    return np.hstack([block[later, 1:], block[earlier, 1:]])
