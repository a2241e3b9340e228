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
from scratchlm.tokenizer.counts_file import CountArrays, read_counts, write_counts
from scratchlm.tokenizer.pattern import PATTERN_CODES

Piece = tuple[bytes, int]
"""A piece as bytes, and how often it occurs."""

_BLOCK_BYTES = 8 << 20
_TEXTS_BYTES = 4 << 20  # texts are gathered to this size before they are counted


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
        # A table is exported beside itself: a third for each, a third to spare.
        self._limit = None if memory_bytes is None else max(1 << 20, memory_bytes // 3)
        self._table = build_table(pattern, split)
        self._runs: list[CountArrays] = []
        self._folder: Path | None = None

    def add(self, text: str | bytes, weight: int = 1) -> None:
        """Count one text; bytes need not be UTF-8."""
        data = _encode(text) if isinstance(text, str) else text
        self._table.add(data, weight, self._threads, True)
        self._counted(len(data))

    def add_texts(
        self, texts: Iterable[str], weight: int = 1, progress: Progress = SILENT
    ) -> None:
        """Count many texts; no piece crosses from one to the next."""
        for batch in _batches(texts):
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
        yield from _sum_equal([self._table.export(), *self._runs])

    def arrays(self, ordered: bool = True) -> CountArrays:
        """The same as flat arrays; `ordered` False spares the sorting."""
        if not self._runs:
            return self._table.export(ordered)
        return CountArrays.from_items(self.items())

    @property
    def n_pieces(self) -> int:
        """Number of distinct pieces."""
        if not self._runs:
            return self._table.n_pieces
        return sum(1 for _ in self.items())

    def save(self, path: Path) -> None:
        """Write the counts to one checksummed file, byte-identical for equal counts."""
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
        weighted = [counts.arrays().times(weight) for counts, weight in listed]
        total._table = ArrayTable(CountArrays.from_items(_sum_equal(weighted)))
        return total

    def _add_blocks(
        self, file: BufferedReader, size: int, weight: int, progress: Progress
    ) -> None:
        buffer, n_kept, is_end = bytearray(2 * _BLOCK_BYTES), 0, False
        while not is_end:
            if n_kept + _BLOCK_BYTES > len(buffer):  # not one border so far
                buffer.extend(bytes(n_kept + _BLOCK_BYTES))
            with memoryview(buffer) as view:
                n_read = file.readinto(view[n_kept : n_kept + _BLOCK_BYTES])
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
        self._runs.append(read_counts(path, check=False)[2])


def _sum_equal(parts: list[CountArrays]) -> Iterator[Piece]:
    streams = [part.items() for part in parts]
    for piece, group in groupby(merge_sorted(*streams), key=itemgetter(0)):
        yield piece, sum(count for _, count in group)


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    n_chars = 0
    for text in texts:
        batch.append(_clean(text))
        n_chars += len(text)
        if n_chars >= _TEXTS_BYTES:
            yield batch
            batch, n_chars = [], 0
    if batch:
        yield batch


def _clean(text: str) -> str:
    return text if text.isascii() else _encode(text).decode()


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return (
            text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
        )
