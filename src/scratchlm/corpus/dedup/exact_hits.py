"""Hits: what repeats an earlier document; from hits to decisions on each shard.

A hit is a record (place, row, begin, end, of_place, of_row) of unsigned integers:
bytes begin .. end - 1 of a document stand in the earlier document `of`; begin = end =
`ALL` is the whole document. A place is a shard's rank: shards with a higher priority
first, then in their order; so the first occurrence is the smallest (place, row).

Cutting may leave too little of a document, which then goes wholly. What others were
cut in favour of must not go with it: so the hits of those others are found again,
without the documents that go, and what stood in one of these is kept by the next
document that has it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.dedup.exact_rows import Rows
from scratchlm.corpus.dedup.sorted_keys import (
    Records,
    RunWriter,
    group_starts,
    merge_runs,
    runs_in,
    whole_groups,
)
from scratchlm.corpus.flow.decisions import Decision, write_decisions
from scratchlm.corpus.flow.rounds import CorpusWork, decisions_path

ALL = np.uint64(2**64 - 1)
HIT_COLUMNS = 6
Flags = NDArray[np.bool_]


def shard_order(work: CorpusWork) -> list[int]:
    """Indices of the shards by place: by priority, then as they come.

    A source without a priority, as a planted one, comes last.
    """
    lowest = float("-inf")
    priorities = [work.priorities.get(shard.source, lowest) for shard in work.shards]
    return sorted(range(len(priorities)), key=lambda index: (-priorities[index], index))


class Marks:
    """One flag for each row of the corpus."""

    def __init__(self, n_rows: Sequence[int]) -> None:
        self._begins = np.cumsum([0, *n_rows])
        self._flags = np.zeros(self._begins[-1], np.bool_)

    def __bool__(self) -> bool:
        return bool(self._flags.any())

    def add(self, place: int, rows: NDArray[np.int64]) -> None:
        """Mark rows of a shard."""
        self._flags[self._begins[place] + rows] = True

    def of(self, places: Records, rows: Records) -> Flags:
        """Which of these rows are marked: (N,)."""
        begins = self._begins[places.astype(np.int64)]
        found: Flags = self._flags[begins + rows.astype(np.int64)]
        return found


@dataclass(frozen=True)
class Wording:
    """How the decisions of a step speak: what is repeated, what is too short."""

    repeated: str
    min_left_bytes: int = 0

    @property
    def too_short(self) -> str:
        """The reason of a document that goes since too little of it is left."""
        return f"fewer than {self.min_left_bytes} bytes left"


FindHits = Callable[[Marks, Marks | None, int], Iterator[Records]]
"""`find(gone, asked, memory_bytes)` yields hits (N, 6), in any order, as if the rows
marked `gone` were not there: those of all others, or of the rows `asked` for alone."""


def decide_by_hits(
    work: CorpusWork, rows: Sequence[Rows], wording: Wording, find: FindHits
) -> None:
    """Write the decisions on all shards; `rows` are by place."""
    gone, asked = (Marks([len(names) for names in rows]) for _ in range(2))
    memory_bytes = work.memory_bytes
    work.out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=work.out) as scratch:
        runs = _write_hits(Path(scratch) / "1", find(gone, None, memory_bytes))
        if wording.min_left_bytes:
            for place, hits in _by_place(runs, memory_bytes):
                gone.add(place, _short_rows(hits, rows[place].n_bytes(), wording))
        if gone:
            for place, hits in _by_place(runs, memory_bytes):
                lost = gone.of(hits[:, 4], hits[:, 5])
                asked.add(place, hits[lost, 1].astype(np.int64))
            again = _found_again(runs, gone, asked, find, memory_bytes)
            runs = _write_hits(Path(scratch) / "2", again)
        _write_decisions(work, rows, wording, runs)


def _write_hits(directory: Path, found: Iterator[Records]) -> list[Path]:
    with RunWriter(directory, HIT_COLUMNS) as writer:
        for hits in found:
            writer.add(hits)
    return runs_in(directory)


def _by_place(runs: list[Path], memory_bytes: int) -> Iterator[tuple[int, Records]]:
    """The hits on one shard after the other, sorted by row and begin: in pieces that
    fit the memory and hold all hits of their rows.
    """
    blocks = merge_runs([runs], HIT_COLUMNS, HIT_COLUMNS, memory_bytes)
    for block in whole_groups(blocks, 2):
        for hits in np.split(block[:, :HIT_COLUMNS], group_starts(block, 1)[1:]):
            yield int(hits[0, 0]), hits


def _short_rows(
    hits: Records, n_bytes: NDArray[np.int64], wording: Wording
) -> NDArray[np.int64]:
    """Rows of which too little is left; hits of a row may overlap."""
    starts = group_starts(hits, 2)
    rows = hits[starts, 1].astype(np.int64)
    cut = np.add.reduceat(_uncovered(hits), starts)
    short: NDArray[np.int64] = rows[n_bytes[rows] - cut < wording.min_left_bytes]
    return short


def _uncovered(hits: Records) -> NDArray[np.int64]:
    """How many bytes each hit adds to those of its row before it: (N,)."""
    begins, ends = hits[:, 2].astype(np.int64), hits[:, 3].astype(np.int64)
    group = np.zeros(len(hits), np.int64)
    group[group_starts(hits, 2)[1:]] = 1
    shift = np.cumsum(group) * (int(ends.max()) + 1)  # rows end to end: one maximum
    reached = np.maximum.accumulate(ends + shift) - shift
    before = np.where(group == 1, 0, np.insert(reached[:-1], 0, 0))
    before[0] = 0
    return np.maximum(ends - np.maximum(begins, before), 0)


def _found_again(
    runs: list[Path], gone: Marks, asked: Marks, find: FindHits, memory_bytes: int
) -> Iterator[Records]:
    """The documents that go, each for one of its hits; of those that repeat one of
    them what they still repeat; the hits of all others as they were.
    """
    for _, hits in _by_place(runs, memory_bytes):
        leaving = gone.of(hits[:, 0], hits[:, 1])
        if leaving.any():
            yield _whole_rows(hits[leaving], gone)
        yield hits[~leaving & ~asked.of(hits[:, 0], hits[:, 1])]
    if asked:
        yield from find(gone, asked, memory_bytes)


def _whole_rows(hits: Records, gone: Marks) -> Records:
    """One hit on the whole of each row: its longest, in what stays if there is one."""
    stays = ~gone.of(hits[:, 4], hits[:, 5])
    length = np.where(stays, hits[:, 3] - hits[:, 2], 0).astype(np.int64)
    order = np.lexsort((-length, hits[:, 1]))
    longest = order[group_starts(hits[order], 2)]
    chosen = hits[longest].copy()
    chosen[~stays[longest], 4:] = ALL
    chosen[:, 2:4] = ALL
    return chosen


def _write_decisions(
    work: CorpusWork, rows: Sequence[Rows], wording: Wording, runs: list[Path]
) -> None:
    order = shard_order(work)
    left = set(order)
    found = _by_place(runs, work.memory_bytes)
    for place, pieces in groupby(found, key=itemgetter(0)):
        decisions = chain.from_iterable(
            _decisions(rows, wording, place, _joined(hits)) for _, hits in pieces
        )
        write_decisions(decisions_path(work.out, order[place]), decisions)
        left.remove(order[place])
    for index in sorted(left):
        write_decisions(decisions_path(work.out, index), [])


def _joined(hits: Records) -> Records:
    """Hits of one shard without overlaps, neighbours made one, of the longest's `of`.

    A hit of which an earlier one covers the beginning begins where that one ends.
    """
    whole = hits[:, 2] == ALL
    if whole.all():
        return hits
    if whole.any():
        return np.concatenate([hits[whole], _joined(hits[~whole])])
    added = _uncovered(hits)
    hits, added = hits[added > 0], added[added > 0]
    hits[:, 2] = hits[:, 3] - added.astype(np.uint64)
    parted = (hits[1:, 1] != hits[:-1, 1]) | (hits[1:, 2] != hits[:-1, 3])
    begins = np.flatnonzero(np.insert(parted, 0, True))
    group = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(hits))))
    longest = np.lexsort((-added, group))[begins]
    joined = hits[longest]
    joined[:, 2] = hits[begins, 2]
    joined[:, 3] = hits[np.append(begins[1:], len(hits)) - 1, 3]
    return joined


def _decisions(
    rows: Sequence[Rows], wording: Wording, place: int, hits: Records
) -> Iterator[Decision]:
    n_bytes = rows[place].n_bytes()
    names = _names(rows, hits)
    signed = hits.view(np.int64)  # ALL becomes WHOLE
    for (row, begin, end), of in zip(signed[:, 1:4].tolist(), names, strict=True):
        if begin >= 0:
            share = (end - begin) / int(n_bytes[row])
            yield Decision(row, begin, end, wording.repeated, of, round(share, 6))
        elif wording.min_left_bytes:
            yield Decision(row, reason=wording.too_short, of=of)
        else:
            yield Decision(row, reason=wording.repeated, of=of, value=1.0)


def _names(rows: Sequence[Rows], hits: Records) -> list[str]:
    """The id of what each hit repeats; nothing where that does not stay either."""
    names = np.full(len(hits), "", object)
    for place in np.unique(hits[:, 4]):
        if place != ALL:
            of = np.flatnonzero(hits[:, 4] == place)
            names[of] = rows[int(place)].ids(hits[of, 5].astype(np.int64))
    found: list[str] = names.tolist()
    return found
