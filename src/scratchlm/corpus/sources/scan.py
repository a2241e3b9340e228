"""One pass over a file: its hash, and where a large one may be cut.

A cut lies behind the first newline after every 64 MB; each part has a hash of its
own, so that a file that grows at its end changes its last part only. Text is cut
where it is UTF-8 throughout, jsonl where it holds no zero byte: what is compressed or
in UTF-16 stays whole.
"""

import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import BinaryIO

from scratchlm.base.hashing import sha256_json

BLOCK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes (or row groups) `begin .. end - 1`, the rows before them, their hash."""

    begin: int
    end: int
    n_bytes: int
    first_row: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class FileScan:
    """The fingerprint of a whole file; no parts where it is not to be cut."""

    fingerprint: str
    parts: tuple[Part, ...] = ()


def scan_lines(
    stream: BinaryIO, cut_bytes: int, unit: str | None, stop: Event | None = None
) -> FileScan:
    """Hash a stream and cut it at line ends; `unit` is "lines", "text" or None.

    Raises:
        OSError: the stream cannot be read, or `stop` was set meanwhile.
    """
    scan = _Scan(cut_bytes, unit)
    while block := stream.read(BLOCK_BYTES):
        scan.feed(block)
        if stop is not None and stop.is_set():
            raise InterruptedError
    return scan.finish()


def scan_row_groups(stream: BinaryIO, cut_bytes: int, fingerprint: str) -> FileScan:
    """Cut a Parquet file between row groups, by what its footer says.

    A damaged file is not cut: its reader says what is wrong with it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        sizes = list(_group_sizes(pq.ParquetFile(stream).metadata))
    except (pa.ArrowException, OSError):
        return FileScan(fingerprint)
    parts, begin, n_bytes, rows = [], 0, 0, 0
    first_row = 0
    for group, (size, n_rows) in enumerate(sizes, start=1):
        n_bytes, rows = n_bytes + size, rows + n_rows
        if n_bytes >= cut_bytes or group == len(sizes):
            parts.append(Part(begin, group, n_bytes, first_row, fingerprint))
            begin, n_bytes, first_row = group, 0, rows
    return FileScan(fingerprint, tuple(parts) if len(parts) > 1 else ())


def _group_sizes(metadata: object) -> Iterator[tuple[int, int]]:
    """Compressed bytes and rows of each row group."""
    import pyarrow.parquet as pq

    assert isinstance(metadata, pq.FileMetaData)
    for index in range(metadata.num_row_groups):
        group = metadata.row_group(index)
        columns = map(group.column, range(group.num_columns))
        yield sum(column.total_compressed_size for column in columns), group.num_rows


@dataclass
class _Scan:
    cut_bytes: int
    unit: str | None
    parts: list[Part] = field(default_factory=list)
    begin: int = 0
    position: int = 0
    first_row: int = 0
    rows: int = 0

    def __post_init__(self) -> None:
        self._hash = hashlib.sha256()
        self._utf8 = codecs.getincrementaldecoder("utf-8")()

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the file."""
        self._check(block)
        while cut := self._cut(block):
            self._take(block[:cut])
            self._end_part()
            block = block[cut:]
        self._take(block)

    def finish(self) -> FileScan:
        """What came out."""
        if self.position > self.begin or not self.parts:
            self._end_part()
        hashes = [part.fingerprint for part in self.parts]
        whole = hashes[0] if len(hashes) == 1 else sha256_json(hashes)
        return FileScan(whole, tuple(self.parts) if self.unit and hashes[1:] else ())

    def _check(self, block: bytes) -> None:
        """Give up cutting where the content does not allow it."""
        try:
            if self.unit and b"\0" in block:
                self.unit = None
            if self.unit == "text":
                self._utf8.decode(block)
        except UnicodeDecodeError:
            self.unit = None

    def _cut(self, block: bytes) -> int:
        """Bytes of the block that still belong to the part; 0 where all do."""
        missing = self.cut_bytes - (self.position - self.begin)
        return block.find(b"\n", max(missing - 1, 0)) + 1 if self.unit else 0

    def _take(self, block: bytes) -> None:
        self._hash.update(block)
        self.position += len(block)
        if self.unit == "lines":
            self.rows += block.count(b"\n")

    def _end_part(self) -> None:
        n_bytes = self.position - self.begin
        self.parts.append(
            Part(
                *(self.begin, self.position, n_bytes),
                *(self.first_row, self._hash.hexdigest()),
            )
        )
        self.begin, self.first_row = self.position, self.rows
        self._hash = hashlib.sha256()
