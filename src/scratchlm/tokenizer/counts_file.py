"""Counts of pieces as flat arrays, and the file that holds them.

    magic "SCRATCHLM-COUNTS\\n" | length of the header, 8 bytes, little endian
    header, JSON: version, pattern, unicode_version, n_bytes, n_pieces, sha256
    counts int64 (n,) | lengths uint32 (n,) | the pieces, one after another

Pieces are sorted by their bytes, so equal counts are equal files. `sha256` is the
hash of everything after the header.
"""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.atomic import atomic_path
from scratchlm.base.errors import UserError
from scratchlm.tokenizer.unicode_classes import UNICODE_VERSION

MAGIC = b"SCRATCHLM-COUNTS\n"
VERSION = 1
_CHUNK = 1 << 14  # pieces that are made Python objects at a time
_MAX_COUNT = np.iinfo(np.int64).max


@dataclass(frozen=True)
class CountArrays:
    """Pieces sorted by their bytes, (n,) of them."""

    blob: NDArray[np.uint8]
    """All pieces, one after another."""
    lengths: NDArray[np.uint32]
    """Bytes of each piece."""
    counts: NDArray[np.int64]
    """How often each occurs."""

    @classmethod
    def from_items(cls, items: Iterable[tuple[bytes, int]]) -> "CountArrays":
        """Sorted pieces with their counts.

        Raises:
            UserError: a count that does not fit 64 bits.
        """
        blob, lengths, counts = bytearray(), array("I"), array("q")
        try:
            for piece, count in items:
                blob += piece
                lengths.append(len(piece))
                counts.append(count)
        except OverflowError:
            raise UserError("a count exceeds 64 bits: use smaller weights") from None
        return cls(
            np.frombuffer(blob, np.uint8),
            np.frombuffer(lengths, np.uint32),
            np.frombuffer(counts, np.int64),
        )

    def items(self) -> Iterator[tuple[bytes, int]]:
        """Pieces with their counts, in order."""
        at = 0
        for first in range(0, len(self.counts), _CHUNK):
            lengths = self.lengths[first : first + _CHUNK].tolist()
            counts = self.counts[first : first + _CHUNK].tolist()
            end = at + sum(lengths)
            chunk = self.blob[at:end].tobytes()
            ends = list(accumulate(lengths))
            for begin, stop, count in zip([0, *ends], ends, counts, strict=False):
                yield chunk[begin:stop], count
            at = end

    def times(self, weight: float) -> "CountArrays":
        """Each count times a weight, rounded half to even; at least 1.

        Raises:
            UserError: a count that does not fit 64 bits.
        """
        if weight == 1:
            return self
        scaled = self.counts * float(weight)
        if len(scaled) and scaled.max() >= float(_MAX_COUNT):
            raise UserError("a count exceeds 64 bits: use smaller weights")
        counts = np.maximum(np.rint(scaled), 1).astype(np.int64)
        return CountArrays(self.blob, self.lengths, counts)

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each piece begins in the blob, and the end, (n + 1,)."""
        offsets = np.zeros(len(self.lengths) + 1, np.int64)
        np.cumsum(self.lengths, out=offsets[1:], dtype=np.int64)
        return offsets


def write_counts(path: Path, pattern: str, n_bytes: int, arrays: CountArrays) -> None:
    """Write counts, atomically."""
    parts = [
        np.ascontiguousarray(arrays.counts, "<i8").data,
        np.ascontiguousarray(arrays.lengths, "<u4").data,
        np.ascontiguousarray(arrays.blob).data,
    ]
    head = _header(pattern, n_bytes, len(arrays.counts), _hash(parts))
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(head)
        for part in parts:
            file.write(part)


def write_items(
    path: Path, pattern: str, n_bytes: int, items: Iterable[tuple[bytes, int]]
) -> None:
    """Write sorted pieces that need not fit the memory: the same file."""
    n_pieces = 0
    with TemporaryDirectory(dir=path.parent, prefix=".counts-") as folder:
        names = [Path(folder, name) for name in ("counts", "lengths", "blob")]
        with ExitStack() as stack:
            files = [stack.enter_context(name.open("wb")) for name in names]
            for piece, count in items:
                files[0].write(count.to_bytes(8, "little"))
                files[1].write(len(piece).to_bytes(4, "little"))
                files[2].write(piece)
                n_pieces += 1
        digest = _hash(block for name in names for block in _blocks(name))
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            file.write(_header(pattern, n_bytes, n_pieces, digest))
            for name in names:
                for block in _blocks(name):
                    file.write(block)


def iterate_counts(path: Path) -> Iterator[tuple[bytes, int]]:
    """Pieces and counts of a file, a few at a time; nothing is checked."""
    header, start = _read_header(path)
    n = int(header["n_pieces"])
    at = start + 12 * n
    with path.open("rb") as file:
        for first in range(0, n, _CHUNK):
            size = min(_CHUNK, n - first)
            file.seek(start + 8 * first)
            counts = np.frombuffer(file.read(8 * size), "<i8")
            file.seek(start + 8 * n + 4 * first)
            lengths = np.frombuffer(file.read(4 * size), "<u4")
            file.seek(at)
            blob = np.frombuffer(file.read(int(lengths.sum())), np.uint8)
            at += len(blob)
            yield from CountArrays(blob, lengths, counts).items()


def read_counts(path: Path) -> tuple[str, int, CountArrays]:
    """Map a file of counts into memory.

    Returns:
        the split pattern, bytes of text counted, and the counts.

    Raises:
        UserError: missing, truncated, edited or foreign, with the reason.
    """
    header, start = _read_header(path)
    n = int(header["n_pieces"])
    body = np.memmap(path, np.uint8, "r", offset=start) if n else np.zeros(0, np.uint8)
    if len(body) < 12 * n:
        raise UserError(f"{path} is cut off: count anew")
    arrays = CountArrays(
        blob=body[12 * n :],
        lengths=body[8 * n : 12 * n].view("<u4"),
        counts=body[: 8 * n].view("<i8"),
    )
    if int(arrays.lengths.sum(dtype=np.int64)) != len(arrays.blob):
        raise UserError(f"{path} is cut off or damaged: count anew")
    if _hash([body.data]) != header["sha256"]:
        raise UserError(f"{path} was edited or damaged (its checksum differs)")
    return str(header["pattern"]), int(header["n_bytes"]), arrays


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC) + 8)
            size = int.from_bytes(head[len(MAGIC) :], "little")
            encoded = file.read(min(size, 1 << 16))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    if not head.startswith(MAGIC):
        raise UserError(f"{path} is no file of counts: `tokenizer train --save-counts`")
    try:
        header = json.loads(encoded)
    except ValueError:
        raise UserError(f"{path} is cut off or damaged: count anew") from None
    if header.get("version") != VERSION or header["unicode_version"] != UNICODE_VERSION:
        raise UserError(f"{path} was counted by another version: count anew")
    return header, len(head) + size


def _header(pattern: str, n_bytes: int, n_pieces: int, digest: str) -> bytes:
    header = {
        "version": VERSION,
        "pattern": pattern,
        "unicode_version": UNICODE_VERSION,
        "n_bytes": n_bytes,
        "n_pieces": n_pieces,
        "sha256": digest,
    }
    encoded = json.dumps(header).encode()
    return MAGIC + len(encoded).to_bytes(8, "little") + encoded


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def _hash(parts: Iterable[memoryview | bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
