"""Sorting more keys than memory holds: sorted runs, cut by range, merged in order.

A record is a row of unsigned 64-bit integers, `n_keys` key columns first. `RunWriter`
turns the records of one shard into files of at most `RUN_BYTES`, each sorted by all
columns. `merge_runs` reads the runs of all shards back as one sorted sequence, in
blocks that fit the memory: splitters are taken from a sample of every k-th record, a
block is what lies between two of them, read from every run and sorted. A block may
end inside a group of equal keys, so that no key is too frequent; `whole_groups` mends
that for readers who need their groups whole.

    shard 0:  (key, row) …  ──┐
    shard 1:  (key, row) …  ──┴─ merge_runs ─→  (key, place of the shard, row) …

The sequence depends on the records and the order of the shards alone: not on the
memory, nor on how the blocks fall. C: columns, N: records.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.uint64]  # (N, C)

RUN_BYTES = 16 * 2**20  # a constant, since runs are files that must not vary
BLOCK_SHARE = 8  # a block is read, ordered, gathered and looked at: several copies
MOST_SAMPLES = 2**19


def sort_records(records: Records, begin: int = 0) -> Records:
    """Sort (N, C) records by all columns from `begin` on, the first one first.

    Columns before `begin` must not differ. One fast sort of one column, then an
    exact one of those records that tie in it.
    """
    if len(records) < 2:
        return records
    first = np.ascontiguousarray(records[:, begin])
    order = np.argsort(first)
    equal = first[order][1:] == first[order][:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.insert(equal, 0, False))
    if len(tied):
        among = records[order[tied]]
        columns = [among[:, c] for c in range(records.shape[1] - 1, begin - 1, -1)]
        order[tied] = order[tied][np.lexsort(columns)]
    return records[order]


class RunWriter:
    """Writes the records of one shard as sorted runs `directory/00000.run`, …"""

    def __init__(
        self, directory: Path, n_columns: int, run_bytes: int = RUN_BYTES
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory, self._n_runs = directory, 0
        most = max(1, run_bytes // (8 * n_columns))
        self._buffer = np.empty((most, n_columns), "<u8")
        self._filled = self.n_records = 0

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def add(self, records: Records) -> None:
        """Take (N, C) records in any order."""
        self.n_records += len(records)
        while len(records):
            taken = records[: len(self._buffer) - self._filled]
            self._buffer[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            records = records[len(taken) :]
            if self._filled == len(self._buffer):
                self.close()

    def close(self) -> None:
        """Write what waits."""
        if self._filled:
            path = self._directory / f"{self._n_runs:05d}.run"
            sort_records(self._buffer[: self._filled]).tofile(path)
            self._n_runs += 1
        self._filled = 0


def runs_in(directory: Path) -> list[Path]:
    """The runs that a `RunWriter` left in a directory."""
    return sorted(directory.glob("*.run"))


def merge_runs(
    shards: Sequence[Sequence[Path]], n_columns: int, n_keys: int, memory_bytes: int
) -> Iterator[Records]:
    """All records of all shards, sorted: blocks of (N, C + 1), N > 0.

    After the `n_keys` key columns comes the place of the record's shard in `shards`,
    then the other columns: records with equal keys stand in the order of the shards.
    A block takes about an eighth of `memory_bytes`.
    """
    runs = [
        _Run(path, place, n_columns, n_keys)
        for place, paths in enumerate(shards)
        for path in paths
    ]
    splitters = _splitters(runs, n_columns + 1, memory_bytes)
    cuts = np.array([run.positions(splitters) for run in runs], np.int64)
    for part in range(len(splitters) + 1 if runs else 0):
        pieces = [
            run.read(begin, end)
            for run, (begin, end) in zip(runs, cuts[:, part : part + 2], strict=True)
            if begin < end
        ]
        if pieces:
            yield sort_records(np.concatenate(pieces))


def group_starts(records: Records, n_keys: int) -> NDArray[np.int64]:
    """Where groups of equal keys begin in sorted records: (number of groups,)."""
    keys = records[:, :n_keys]
    differ = (keys[1:] != keys[:-1]).any(axis=1)
    return np.flatnonzero(np.insert(differ, 0, True))[: len(records)]


def whole_groups(blocks: Iterable[Records], n_keys: int) -> Iterator[Records]:
    """The same records, in blocks that end where a group of equal keys ends.

    A group that is larger than the memory is held all the same.
    """
    held: list[Records] = []
    for block in blocks:
        last = int(group_starts(block, n_keys)[-1])
        same = held and (held[-1][-1, :n_keys] == block[0, :n_keys]).all()
        if last or not same:
            ready = [*held, block[:last]]
            held = []
            if sum(map(len, ready)):
                yield np.concatenate(ready)
        held.append(block[last:])
    if held:
        yield np.concatenate(held)


class _Run:
    """One sorted file, read by position; `place` is put in after its keys."""

    def __init__(self, path: Path, place: int, n_columns: int, n_keys: int) -> None:
        self._path, self._place = path, place
        self._n_columns, self._n_keys = n_columns, n_keys
        self.n_records = path.stat().st_size // (8 * n_columns)

    def read(self, begin: int, end: int) -> Records:
        """Records begin .. end - 1: (N, C + 1)."""
        width = self._n_columns
        count, offset = (end - begin) * width, int(begin) * width * 8
        values = np.fromfile(self._path, "<u8", int(count), offset=offset)
        return self._placed(values.reshape(-1, width))

    def sample(self, every: int) -> Records:
        """Records number every - 1, 2 · every - 1, …: (N, C + 1)."""
        return self._placed(np.array(self._mapped()[every - 1 :: every]))

    def positions(self, splitters: Sequence[tuple[int, ...]]) -> list[int]:
        """How many records lie below each splitter, 0 and all of them around."""
        mapped, found = self._mapped(), [0]
        for splitter in splitters:
            found.append(bisect_left(mapped, splitter, found[-1], key=self._whole))
        return [*found, self.n_records]

    def _mapped(self) -> Records:
        # as a plain array: a memmap's own indexing is slow; unmapped when let go of
        mapped: Records = np.asarray(np.memmap(self._path, "<u8", "r"))
        return mapped.reshape(-1, self._n_columns)

    def _whole(self, record: NDArray[np.uint64]) -> tuple[int, ...]:
        values = record.tolist()
        return (*values[: self._n_keys], self._place, *values[self._n_keys :])

    def _placed(self, records: Records) -> Records:
        return np.insert(records, self._n_keys, np.uint64(self._place), axis=1)


def _splitters(
    runs: Sequence[_Run], n_columns: int, memory_bytes: int
) -> list[tuple[int, ...]]:
    """Records that cut the sorted sequence into parts of about one block."""
    n_records = sum(run.n_records for run in runs)
    most = max(1, memory_bytes // (BLOCK_SHARE * 8 * n_columns))
    if n_records <= most:
        return []
    every = max(1, most // (2 * len(runs)), n_records // MOST_SAMPLES)
    sampled = sort_records(np.concatenate([run.sample(every) for run in runs]))
    step = max(1, most // (2 * every))
    return [tuple(record) for record in sampled[step::step].tolist()]
