"""Count the pieces of a corpus once; train any vocabulary from the counts.

Counts are exact 64-bit integers, the same whatever the number of threads and the
order of the texts. Where a table outgrows its memory it is written to disk as a
sorted run and begun anew; runs are merged as they are read.

    >>> counts = WordCounts("llama3")
    >>> counts.add("a b b")
    >>> dict(counts.items())
    {b' b': 2, b'a': 1}
"""

import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from heapq import merge as merge_sorted
from io import BufferedReader
from itertools import groupby
from operator import itemgetter
from os import cpu_count
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_bytes
from scratchlm.tokenizer.count_table import ArrayTable, build_table, refuse_to_split
from scratchlm.tokenizer.counts_file import (
    CountArrays,
    iterate_counts,
    read_counts,
    write_counts,
    write_items,
)
from scratchlm.tokenizer.pattern import PATTERN_CODES, replace_lone_surrogates

Piece = tuple[bytes, int]
"""A piece as bytes, and how often it occurs."""

_BLOCK_BYTES = 8 << 20
_LEARNING_BYTES = 24  # about what learning takes for a byte of a piece
_MANY = 1 << 16  # counts from here on are not told apart when memory is short


class WordCounts:
    """How often each piece of text occurs.

    Args:
        pattern: how texts are split; or any name, with `split`.
        memory_bytes: the tables stay within this; None sets no limit.
        threads: None takes one a core; the result is the same.
        split: cuts a text into pieces where `pattern` is not one of ours.
    """

    def __init__(
        self,
        pattern: str = "llama3",
        *,
        memory_bytes: int | None = None,
        threads: int | None = None,
        split: Callable[[str], list[str]] | None = None,
    ) -> None:
        if split is None and pattern not in PATTERN_CODES:
            known = ", ".join(PATTERN_CODES)
            raise UserError(f"no split pattern {pattern!r}; known: {known}")
        self.pattern = pattern
        self.n_bytes = 0
        """Bytes of text counted, before weights."""
        self._threads = threads or cpu_count() or 1
        self._memory_bytes = memory_bytes
        # A table is exported beside itself: a third for each, a third to spare.
        self._limit = None if memory_bytes is None else max(1 << 20, memory_bytes // 3)
        self._block_bytes = min(
            _BLOCK_BYTES, max(1 << 16, (self._limit or 1 << 62) // 8)
        )
        self._table = build_table(pattern, split)
        self._runs: list[Path] = []
        self._folder: Path | None = None
        self.least_kept = 1
        """After `arrays`: pieces that occur less often did not fit the memory."""

    def add(self, text: str | bytes, weight: int = 1) -> None:
        """Count one text; bytes need not be UTF-8."""
        data = replace_lone_surrogates(text).encode() if isinstance(text, str) else text
        self._table.add(data, weight, self._threads, True)
        self._counted(len(data))

    def add_texts(
        self, texts: Iterable[str], weight: int = 1, progress: Progress = SILENT
    ) -> None:
        """Count many texts; no piece crosses from one to the next."""
        for batch in _batches(texts, self._block_bytes):
            n_bytes = self._table.add_texts(batch, weight, self._threads)
            self._counted(n_bytes)
            progress.update(0, 1, f"{format_bytes(self.n_bytes)} counted")

    def add_file(
        self, path: Path, weight: int = 1, progress: Progress = SILENT
    ) -> None:
        """Count a plain text file as it stands, in blocks.

        Raises:
            UserError: the file cannot be read.
        """
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                self._add_blocks(file, size, weight, progress)
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}") from None

    def items(self) -> Iterator[Piece]:
        """All pieces with their counts, sorted by their bytes."""
        runs = map(iterate_counts, self._runs)
        yield from _sum_equal([self._table.export().items(), *runs])

    def arrays(self, ordered: bool = True) -> CountArrays:
        """The same as flat arrays; `ordered` False spares the sorting.

        Where a table went to disk, the rarest pieces are left out as far as all of
        them would not fit the memory while merges are learned; see `least_kept`.
        """
        if not self._runs:
            return self._table.export(ordered)
        assert self._memory_bytes is not None
        self.least_kept = _least_that_fits(self.items(), self._memory_bytes)
        kept = (item for item in self.items() if item[1] >= self.least_kept)
        return CountArrays.from_items(kept)

    @property
    def n_pieces(self) -> int:
        """Number of distinct pieces."""
        if not self._runs:
            return self._table.n_pieces
        return sum(1 for _ in self.items())

    @property
    def is_empty(self) -> bool:
        """Whether nothing was counted."""
        return not self._runs and not self._table.n_pieces

    def save(self, path: Path) -> None:
        """Write the counts to one checksummed file, byte-identical for equal counts."""
        if self._runs:
            write_items(path, self.pattern, self.n_bytes, self.items())
        else:
            write_counts(path, self.pattern, self.n_bytes, self.arrays())

    @classmethod
    def load(cls, path: Path) -> "WordCounts":
        """Read counts.

        Raises:
            UserError: missing, truncated, edited or foreign, with the reason.
        """
        pattern, n_bytes, arrays = read_counts(path)
        counts = cls(pattern, split=refuse_to_split)
        counts.n_bytes = n_bytes
        counts._table = ArrayTable(arrays)
        return counts

    @classmethod
    def merged(cls, parts: Iterable[tuple["WordCounts", float]]) -> "WordCounts":
        """The sum of counts, each times its weight, rounded to whole numbers.

        Raises:
            UserError: no counts, different patterns, or a weight that is not positive.
        """
        listed = list(parts)
        patterns = {counts.pattern for counts, _ in listed}
        if len(patterns) != 1:
            raise UserError(
                f"counts of {len(patterns)} split patterns cannot be added "
                f"({', '.join(sorted(patterns)) or 'there are none'}): count anew"
            )
        if min(weight for _, weight in listed) <= 0:
            raise UserError("a weight must be above 0: leave the source out instead")
        total = cls(patterns.pop(), split=refuse_to_split)
        total.n_bytes = sum(counts.n_bytes for counts, _ in listed)
        weighted = [counts.arrays().times(w).items() for counts, w in listed]
        total._table = ArrayTable(CountArrays.from_items(_sum_equal(weighted)))
        return total

    def _add_blocks(
        self, file: BufferedReader, size: int, weight: int, progress: Progress
    ) -> None:
        block = self._block_bytes
        buffer, n_kept, is_end = bytearray(2 * block), 0, False
        while not is_end:
            if n_kept + block > len(buffer):  # not one border so far
                buffer.extend(bytes(n_kept + block))
            with memoryview(buffer) as view:
                n_read = file.readinto(view[n_kept : n_kept + block])
                n, is_end = n_kept + n_read, n_read == 0
                n_done = self._table.add(view[:n], weight, self._threads, is_end)
            n_kept = n - n_done
            buffer[:n_kept] = buffer[n_done:n]
            self._counted(n_done)
            progress.update(file.tell(), size, f"of {format_bytes(size)} counted")

    def _counted(self, n_bytes: int) -> None:
        self.n_bytes += n_bytes
        if self._limit is not None and self._table.memory_bytes > self._limit:
            self._spill()

    def _spill(self) -> None:
        """Write the table to disk and begin an empty one."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="scratchlm-counts-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        path = self._folder / f"run_{len(self._runs):04}"
        write_counts(path, self.pattern, 0, self._table.export())
        self._table.clear()
        self._runs.append(path)


def _sum_equal(streams: list[Iterator[Piece]]) -> Iterator[Piece]:
    for piece, group in groupby(merge_sorted(*streams), key=itemgetter(0)):
        yield piece, sum(count for _, count in group)


def _least_that_fits(items: Iterator[Piece], memory_bytes: int) -> int:
    """The smallest count whose pieces, with all more frequent ones, fit the memory."""
    sizes: Counter[int] = Counter()
    for piece, count in items:
        sizes[min(count, _MANY)] += _LEARNING_BYTES * (len(piece) + 2)
    least, total = _MANY, 0
    for count in sorted(sizes, reverse=True):
        total += sizes[count]
        if total > memory_bytes:
            break
        least = count
    return least


def _batches(texts: Iterable[str], n_wanted: int) -> Iterator[list[str]]:
    batch: list[str] = []
    n_chars = 0
    for text in texts:
        batch.append(replace_lone_surrogates(text))
        n_chars += len(text)
        if n_chars >= n_wanted:
            yield batch
            batch, n_chars = [], 0
    if batch:
        yield batch
