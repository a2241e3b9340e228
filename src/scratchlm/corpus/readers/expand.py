"""Undo .gz, .bz2, .xz and .zst without letting a small file fill the memory.

Output is made in pieces; past 16 MiB it may not exceed `max_expansion` times the
input, and never `max_bytes`. A compressed stream that ends early is an error, not a
shorter text.
"""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import zstandard

from scratchlm.corpus.decode import UnreadableError

PIECE_BYTES = 2**20
ZSTD_PIECE_BYTES = 2**10  # of input: one kilobyte becomes at most 33 MB
RATIO_FLOOR_BYTES = 16 * 2**20

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
DAMAGED = "truncated or damaged compression"
# What damaged input raises in zlib, gzip (OSError), bz2, lzma and zstandard.
_DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


@dataclass(frozen=True)
class Limits:
    """How large a thing may become when it is unpacked."""

    max_bytes: int
    max_expansion: float


def is_compressed(data: bytes) -> bool:
    """Whether data begins as one of the four formats do."""
    return _format(data) is not None


def expand(data: bytes, limits: Limits) -> bytes:
    """Decompress data whose first bytes name the format; other data is returned.

    Raises:
        UnreadableError: truncated, damaged, or larger than the limits allow.
    """
    pieces = _format(data)
    if pieces is None:
        return data
    return gather(pieces(data), len(data), limits)


def gather(pieces: Iterable[bytes], n_compressed: int, limits: Limits) -> bytes:
    """Join pieces while they stay within the limits.

    Raises:
        UnreadableError: they do not, or making a piece failed.
    """
    result = bytearray()
    try:
        for piece in pieces:
            result += piece
            _check(len(result), n_compressed, limits)
    except _DAMAGE:
        raise UnreadableError(DAMAGED) from None
    return bytes(result)


def read_pieces(stream: BinaryIO) -> Iterator[bytes]:
    """A stream's content, one mebibyte at a time."""
    while piece := stream.read(PIECE_BYTES):
        yield piece


def _check(n_bytes: int, n_compressed: int, limits: Limits) -> None:
    if n_bytes > limits.max_bytes:
        raise UnreadableError(f"unpacks to more than {limits.max_bytes} bytes")
    if n_bytes > max(RATIO_FLOOR_BYTES, limits.max_expansion * n_compressed):
        raise UnreadableError(
            f"unpacks to more than {limits.max_expansion:g} times its size: a bomb"
        )


def _gzip(data: bytes) -> Iterator[bytes]:
    return read_pieces(gzip.GzipFile(fileobj=BytesIO(data)))  # type: ignore[arg-type]


def _bz2(data: bytes) -> Iterator[bytes]:
    return read_pieces(bz2.BZ2File(BytesIO(data)))  # type: ignore[arg-type]


def _xz(data: bytes) -> Iterator[bytes]:
    return read_pieces(lzma.LZMAFile(BytesIO(data)))  # type: ignore[arg-type]


def _zstd(data: bytes) -> Iterator[bytes]:
    """Frame after frame; `stream_reader` would not notice an early end."""
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        done = 0
        while not frame.eof:
            piece = data[done : done + ZSTD_PIECE_BYTES]
            if not piece:
                raise EOFError
            yield frame.decompress(piece)
            done += len(piece)
        data = data[done - len(frame.unused_data) :]


_FORMATS: tuple[tuple[bytes, Callable[[bytes], Iterator[bytes]]], ...] = (
    (b"\x1f\x8b\x08", _gzip),
    (b"BZh", _bz2),
    (b"\xfd7zXZ\x00", _xz),
    (b"\x28\xb5\x2f\xfd", _zstd),
)


def _format(data: bytes) -> Callable[[bytes], Iterator[bytes]] | None:
    return next((read for mark, read in _FORMATS if data.startswith(mark)), None)
