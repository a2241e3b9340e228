"""The first of equal things stays: keys by shard, then one merge for the corpus.

A thing (a document, a paragraph, a line, an address) is a record of its 128-bit
digest and where it is: (key, key, row, begin, end), begin = end = `ALL` for the whole
document. Digests are BLAKE2b: nobody will see two things of one digest.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.dedup.exact_hits import (
    ALL,
    Marks,
    Wording,
    decide_by_hits,
    shard_order,
)
from scratchlm.corpus.dedup.exact_rows import Rows, RowWriter
from scratchlm.corpus.dedup.sorted_keys import (
    Records,
    RunWriter,
    group_starts,
    merge_runs,
    runs_in,
)
from scratchlm.corpus.flow.rounds import CorpusWork, ShardWork
from scratchlm.corpus.flow.table import Batch

KEYS, COLUMNS = 2, 5
FIRST_ROUND = "keys"
Buffer = bytes | memoryview


def digest_keys(things: Iterable[Buffer]) -> Records:
    """Digests of some byte strings: (N, 2)."""
    digests = b"".join(
        hashlib.blake2b(thing, digest_size=16).digest() for thing in things
    )
    return np.frombuffer(digests, "<u8").reshape(-1, KEYS)


def whole_rows(rows: NDArray[np.int64], things: Sequence[Buffer]) -> Records:
    """Records of things that stand for their documents: (N, 5)."""
    records = np.full((len(rows), COLUMNS), ALL, np.uint64)
    records[:, :KEYS] = digest_keys(things)
    records[:, KEYS] = rows.astype(np.uint64)
    return records


def write_keys(
    work: ShardWork, columns: Sequence[str], records_of: Callable[[Batch], Records]
) -> None:
    """A first round: the records of all batches, the names and sizes of the rows."""
    with (
        RowWriter(work.out, work.shard.n_rows) as rows,
        RunWriter(work.out, COLUMNS) as runs,
    ):
        for batch in work.shard.batches(columns):
            rows.add(batch)
            runs.add(records_of(batch))


def keep_first(
    work: CorpusWork, wording: Wording, *, within_document: bool = False
) -> None:
    """A last round: of equal things the first stays, all others are hits."""
    directories = [work.earlier[FIRST_ROUND][index] for index in shard_order(work)]
    shards = [runs_in(directory) for directory in directories]
    find = partial(_later_things, shards, within_document)
    decide_by_hits(work, [Rows(path) for path in directories], wording, find)


def _later_things(
    shards: Sequence[Sequence[Path]],
    within_document: bool,
    gone: Marks,
    asked: Marks | None,
    memory_bytes: int,
) -> Iterator[Records]:
    """What equals an earlier thing, the documents that go left out: (N, 6)."""
    first: Records | None = None
    for block in merge_runs(shards, COLUMNS, KEYS, memory_bytes):
        block = block[~gone.of(block[:, 2], block[:, 3])] if gone else block
        block = block if first is None else np.concatenate([first, block])
        if not len(block):
            continue
        starts = group_starts(block, KEYS)
        lengths = np.diff(np.append(starts, len(block)))
        later = np.ones(len(block), np.bool_)
        later[starts] = False
        of = block[np.repeat(starts, lengths)[later], 2:4]
        hits = np.hstack([block[later, 2:], of])
        if not within_document:
            hits = hits[(hits[:, :2] != hits[:, 4:]).any(axis=1)]
        yield hits if asked is None else hits[asked.of(hits[:, 0], hits[:, 1])]
        first = block[starts[-1] : starts[-1] + 1]
