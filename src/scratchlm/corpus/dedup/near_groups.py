"""All candidates of a corpus in order of rank, verified group by group.

Documents that meet in no bucket, not even by way of others, cannot decide about each
other: groups of those that do are verified one after another, as many at a time as
fit the memory, and the pairs are the same however they are parted. A group larger
than the memory lies in a file while it is verified. For each candidate about 150
bytes and its id are held.

N: candidates, by rank; K: entries (a candidate in a bucket).
"""

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scratchlm.corpus.dedup.near_config import NearConfig
from scratchlm.corpus.dedup.near_rounds import (
    INDEX,
    INDEX_SCHEMA,
    SETS,
    count_buckets,
    read_entries,
    shard_name,
)
from scratchlm.corpus.dedup.near_verify import Candidates, Pairs, verify
from scratchlm.corpus.dedup.shingles import offsets_of
from scratchlm.corpus.dedup.words import Hashes, Indices
from scratchlm.corpus.flow.rounds import CorpusWork

PAGES_EVERY_S = 0.05
BATCH_SHARE = 4  # part of the memory that the shingles of a batch may take


@dataclass
class Ranked:
    """The candidates of all shards by rank: (N,) each.

    `shard` and `row` say where each stands, `ids` what it is called; its shingles
    are those from `offset` on in its shard's file.
    """

    work: CorpusWork
    shard: Indices
    row: Indices
    ids: pa.Array
    n_bytes: Indices
    n_shingles: Indices
    offset: Indices
    _rank: Indices = field(repr=False)
    _first: Indices = field(repr=False)  # of each shard's candidates, before ranking
    _rows: Indices = field(repr=False)

    def __len__(self) -> int:
        return len(self.shard)

    def entries(self, shard: int) -> tuple[Indices, Indices]:
        """The buckets and the candidates of a shard's entries: (K,) both."""
        name = shard_name(self.work.earlier["sign"][shard])
        found = read_entries(self.work.earlier["candidates"][shard], name)
        begin, end = self._first[shard : shard + 2].tolist()
        place = np.searchsorted(self._rows[begin:end], found[:, 1])
        return found[:, 0], self._rank[begin + place]

    def name(self, candidate: int) -> tuple[str, str]:
        """Source and id of one candidate."""
        shard = self.work.shards[int(self.shard[candidate])]
        return shard.source, self.ids[int(candidate)].as_py()


def rank_candidates(work: CorpusWork) -> Ranked:
    """Order candidates by priority, length, content, source and id; those of a source
    without a priority, as planted ones, come last.
    """
    tables = [pq.read_table(path / INDEX) for path in work.earlier["sets"]]
    first = offsets_of(np.array([len(table) for table in tables], np.int64))
    table = pa.concat_tables(tables) if tables else INDEX_SCHEMA.empty_table()
    columns = {
        name: table.column(name).to_numpy()
        for name in INDEX_SCHEMA.names
        if name != "id"
    }
    counts = [table.column("n_shingles").to_numpy() for table in tables]
    offset = [offsets_of(some)[:-1] for some in counts]
    shard = np.repeat(np.arange(len(tables)), np.diff(first))
    ids = table.column("id").combine_chunks()
    order = _order(work, shard, columns["n_bytes"], columns["content"], ids)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return Ranked(
        work,
        shard[order],
        columns["row"][order],
        ids.take(pa.array(order)),
        columns["n_bytes"][order],
        columns["n_shingles"][order],
        np.concatenate([np.zeros(0, np.int64), *offset])[order],
        rank,
        first,
        columns["row"],
    )


def verified_pairs(
    ranked: Ranked, config: NearConfig, link: bool = False
) -> Iterator[Pairs]:
    """The pairs of all groups, by rank, batch after batch."""
    groups = _group(ranked)
    most = max(1, ranked.work.memory_bytes // BATCH_SHARE)
    batch_of = _batches(groups, 8 * ranked.n_shingles, most)
    for number in range(int(batch_of.max(initial=-1)) + 1):
        members = np.flatnonzero(batch_of == number)
        with TemporaryDirectory(dir=ranked.work.out) as room:
            candidates = _load(ranked, members, batch_of == number, most, Path(room))
            with _pages_given_back(candidates.hashes):
                pairs = verify(candidates, config, link)
            del candidates
        yield Pairs(
            members[pairs.later],
            members[pairs.earlier],
            pairs.common,
            pairs.jaccard,
            pairs.containment,
        )


def join_labels(labels: Indices, left: Indices, right: Indices) -> Indices:
    """Labels after joining what stands beside each other: the smallest member of each
    group, given those before.
    """
    while True:
        one, other = labels[left], labels[right]
        low, high = np.minimum(one, other), np.maximum(one, other)
        if (low == high).all():
            return labels
        np.minimum.at(labels, high, low)
        while (labels != labels[labels]).any():
            labels = labels[labels]


def _order(
    work: CorpusWork, shard: Indices, n_bytes: Indices, content: Hashes, ids: pa.Array
) -> Indices:
    priority = np.array(
        [work.priorities.get(some.source, -np.inf) for some in work.shards], np.float64
    )[shard]
    order = np.lexsort([content, -n_bytes, -priority])
    columns = (priority[order], n_bytes[order], content[order])
    same = np.ones(max(0, len(order) - 1), np.bool_)
    for column in columns:
        same &= column[1:] == column[:-1]
    for begin, end in _runs(same):
        tied = order[begin:end].tolist()
        tied.sort(key=lambda n: (work.shards[int(shard[n])].source, ids[n].as_py()))
        order[begin:end] = tied
    return order


def _runs(same: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Stretches of equal neighbours as (begin, end)."""
    edges = np.diff(np.concatenate([[False], same, [False]]).astype(np.int8))
    begins, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
    yield from zip(begins.tolist(), (ends + 1).tolist(), strict=True)


def _group(ranked: Ranked) -> Indices:
    """For each candidate the first of those it meets, also by way of others."""
    labels = np.arange(len(ranked))
    n_buckets = max(
        (count_buckets(path) for path in ranked.work.earlier["candidates"][:1]),
        default=0,
    )
    first = np.full(n_buckets, -1)
    for shard in range(len(ranked.work.shards)):
        buckets, members = ranked.entries(shard)
        new = np.flatnonzero(first[buckets] < 0)[::-1]
        first[buckets[new]] = members[new]
        labels = join_labels(labels, members, first[buckets])
    return labels


def _batches(groups: Indices, sizes: Indices, most: int) -> Indices:
    """The number of each candidate's batch: whole groups, `most` bytes where it can."""
    _, place = np.unique(groups, return_inverse=True)
    if not len(place):
        return place
    total = np.bincount(place, weights=sizes)
    number = np.zeros(len(total), np.int64)
    batch, filled = 0, 0.0
    for group, size in enumerate(total.tolist()):
        if filled and filled + size > most:
            batch, filled = batch + 1, 0.0
        number[group] = batch
        filled += size
    return number[place]


def _load(
    ranked: Ranked,
    members: Indices,
    chosen: NDArray[np.bool_],
    most: int,
    room: Path,
) -> Candidates:
    documents, buckets = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for shard in np.unique(ranked.shard[members]).tolist():
        some, candidates = ranked.entries(shard)
        mine = chosen[candidates]
        documents.append(np.searchsorted(members, candidates[mine]))
        buckets.append(some[mine])
    met = np.concatenate(documents)
    _, numbers = np.unique(np.concatenate(buckets), return_inverse=True)
    order = np.lexsort([numbers, met])
    set_at = offsets_of(ranked.n_shingles[members])
    return Candidates(
        numbers[order].astype(np.int64),
        offsets_of(np.bincount(met, minlength=len(members))),
        int(numbers.max(initial=-1)) + 1,
        _read_sets(ranked, members, set_at, most, room),
        set_at,
        ranked.n_bytes[members],
    )


def _read_sets(
    ranked: Ranked, members: Indices, set_at: Indices, most: int, room: Path
) -> Hashes:
    total = int(set_at[-1])
    if 8 * total <= most:
        hashes: Hashes = np.empty(total, np.uint64)
        for begin, some in _sets(ranked, members, set_at):
            hashes[begin : begin + len(some)] = some
        return hashes
    path = room / "sets"
    with path.open("wb") as file:
        for begin, some in _sets(ranked, members, set_at):
            file.seek(8 * begin)
            file.write(some.tobytes())
    return np.memmap(path, np.uint64, "r", shape=(total,))


def _sets(
    ranked: Ranked, members: Indices, set_at: Indices
) -> Iterator[tuple[int, Hashes]]:
    """Where the shingles of each member belong, and they themselves."""
    for shard in np.unique(ranked.shard[members]).tolist():
        mine = np.flatnonzero(ranked.shard[members] == shard)
        with (ranked.work.earlier["sets"][shard] / SETS).open("rb") as file:
            for place in mine[np.argsort(ranked.offset[members[mine]])].tolist():
                begin, end = set_at[place : place + 2].tolist()
                file.seek(8 * int(ranked.offset[members[place]]))
                yield begin, np.fromfile(file, "<u8", end - begin)


@contextmanager
def _pages_given_back(hashes: Hashes) -> Iterator[None]:
    """While shingles are read from a mapped file, let go of the pages that were read:
    the system counts them as this process's memory.
    """
    mapped: mmap.mmap | None = getattr(hashes, "_mmap", None)
    if mapped is None or not hasattr(mmap, "MADV_DONTNEED"):
        yield
        return
    ended = threading.Event()

    def let_go() -> None:
        while not ended.wait(PAGES_EVERY_S):
            mapped.madvise(mmap.MADV_DONTNEED)

    thread = threading.Thread(target=let_go)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
