"""Counts of pieces as flat arrays, and the file that holds them.

    magic "SCRATCHLM-COUNTS\\n" | length of the header, 8 bytes, little endian
    header, JSON: version, pattern, unicode_version, n_bytes, n_pieces, sha256
    counts int64 (n,) | lengths uint32 (n,) | the pieces, one after another

Pieces are sorted by their bytes, so equal counts are equal files. `sha256` is the
hash of everything after the header.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.atomic import atomic_path
from scratchlm.base.errors import UserError
from scratchlm.tokenizer.unicode_classes import UNICODE_VERSION

MAGIC = b"SCRATCHLM-COUNTS\n"
VERSION = 1
_CHUNK = 1 << 16  # pieces that are made Python objects at a time
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
        blob, lengths, counts = bytearray(), [], []
        for piece, count in items:
            blob += piece
            lengths.append(len(piece))
            counts.append(count)
        if counts and max(counts) > _MAX_COUNT:
            raise UserError("a count exceeds 64 bits: use smaller weights")
        return cls(
            np.frombuffer(bytes(blob), np.uint8),
            np.array(lengths, np.uint32),
            np.array(counts, np.int64),
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
    header = {
        "version": VERSION,
        "pattern": pattern,
        "unicode_version": UNICODE_VERSION,
        "n_bytes": n_bytes,
        "n_pieces": len(arrays.counts),
        "sha256": _hash(parts),
    }
    encoded = json.dumps(header).encode()
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(MAGIC + len(encoded).to_bytes(8, "little") + encoded)
        for part in parts:
            file.write(part)


def read_counts(path: Path, check: bool = True) -> tuple[str, int, CountArrays]:
    """Map a file of counts into memory.

    Args:
        path: the file.
        check: compare the checksum too.

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
    if check and _hash([body.data]) != header["sha256"]:
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


def _hash(parts: Iterable[memoryview]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
