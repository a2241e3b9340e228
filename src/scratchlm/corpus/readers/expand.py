"""Undo .gz, .bz2, .xz and .zst as a stream, without letting a small file fill anything.

Output is made in pieces. Past 16 MiB it may not exceed `max_expansion` times the input
read so far, and never `max_bytes`: that raises. A compressed stream that is damaged or
ends early gives all that comes before, and `trouble` says that something is missing.
"""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import zstandard

from scratchlm.corpus.decode import UnreadableError

PIECE_BYTES = 2**18
GZIP_PIECE_BYTES = 2**14  # of input: becomes at most 17 MB
ZSTD_PIECE_BYTES = 2**10  # of input: one kilobyte becomes at most 33 MB
BUFFER_BYTES = 2**18
GZIP_MARK = b"\x1f\x8b\x08"
RATIO_FLOOR_BYTES = 16 * 2**20

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
DAMAGED = "truncated or damaged compression"
# What damaged input raises in zlib, bz2 (OSError, ValueError), lzma and zstandard.
_DAMAGE = (
    *(EOFError, OSError, ValueError),
    *(zlib.error, lzma.LZMAError, zstandard.ZstdError),
)
_Input = Callable[[int], bytes]


@dataclass(frozen=True)
class Limits:
    """How large a thing may become when it is unpacked."""

    max_bytes: int
    max_expansion: float

    def check(self, n_bytes: int, n_packed: int) -> None:
        """Refuse `n_bytes` made of `n_packed`.

        Raises:
            UnreadableError: too large, or a bomb.
        """
        if n_bytes > self.max_bytes:
            raise UnreadableError(f"unpacks to more than {self.max_bytes} bytes")
        if n_bytes > max(RATIO_FLOOR_BYTES, self.max_expansion * n_packed):
            raise UnreadableError(
                f"unpacks to more than {self.max_expansion:g} times its size: a bomb"
            )


class Expanded(io.RawIOBase):
    """The content of a stream whose first bytes name one of the four formats; of any
    other stream, the stream.

    `packed` says whether it is compressed; `trouble`, once the end is reached, why
    something is missing.
    """

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream, self._limits = stream, limits
        self._first = _read_all_of(stream, 8)
        unpack = _format(self._first)
        self.packed = unpack is not None
        self.trouble = ""
        self.n_packed = self.n_bytes = 0
        self._pieces = self._unpacked(unpack) if unpack else self._plain()
        self._rest = memoryview(b"")
        self._error: UnreadableError | None = None

    def readable(self) -> bool:
        """Yes: that is all it is."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer, up to the end.

        Raises:
            UnreadableError: more than the limits allow.
            OSError: the stream below cannot be read.
        """
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        done = 0
        while done < len(view):
            try:
                if not self._rest and not self._fill():
                    break
            except UnreadableError:
                if done:  # it is raised again after what comes before it
                    break
                raise
            part = self._rest[: len(view) - done]
            view[done : done + len(part)] = part
            self._rest = self._rest[len(part) :]
            done += len(part)
        return done

    def _fill(self) -> bool:
        """Make the next piece; False at the end."""
        if self._error is not None:
            raise self._error
        try:
            for piece in self._pieces:
                if piece:
                    self.n_bytes += len(piece)
                    if self.packed:
                        self._limits.check(self.n_bytes, self.n_packed)
                    self._rest = memoryview(piece)
                    return True
        except UnreadableError as error:
            self._error = error
            raise
        return False

    def _unpacked(self, unpack: "_Unpack") -> Iterator[bytes]:
        try:
            yield from unpack(self._input)
        except _DAMAGE:
            self.trouble = DAMAGED

    def _plain(self) -> Iterator[bytes]:
        while piece := self._input(PIECE_BYTES):
            yield piece

    def _input(self, n_bytes: int) -> bytes:
        """The next bytes of the packed stream, b"" at its end."""
        if self._first:
            piece, self._first = self._first, b""
        else:
            piece = self._read_below(n_bytes)
        self.n_packed += len(piece)
        return piece

    def _read_below(self, n_bytes: int) -> bytes:
        try:
            return self._stream.read(n_bytes)
        except TruncatedError as error:
            self.trouble = str(error)
            return b""
        except OSError as error:  # not to be taken for damaged compression
            raise StreamError(error.strerror or str(error)) from None


class TruncatedError(UnreadableError):
    """The stream below ends early: what came before is good."""


class StreamError(UnreadableError):
    """The disk or network below gave no bytes; the message is its reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"unreadable: {reason}")


def open_expanded(
    stream: BinaryIO, limits: Limits
) -> tuple[io.BufferedReader, Expanded]:
    """A buffered reader of what the stream holds, and the account of it.

    Raises:
        StreamError: the stream cannot be read at all.
    """
    try:
        expanded = Expanded(stream, limits)
    except OSError as error:
        raise StreamError(error.strerror or str(error)) from None
    return io.BufferedReader(expanded, BUFFER_BYTES), expanded


def is_compressed(data: bytes) -> bool:
    """Whether data begins as one of the four formats do."""
    return _format(data) is not None


def _read_all_of(stream: BinaryIO, n_bytes: int) -> bytes:
    data = b""
    while len(data) < n_bytes and (piece := stream.read(n_bytes - len(data))):
        data += piece
    return data


def _members(new: Callable[[], Any], read: _Input, n_bytes: int) -> Iterator[bytes]:
    """What one compressed stream after the other holds; zeros between them are
    padding.
    """
    data = read(n_bytes)
    while data:
        member = new()
        while not member.eof:
            if not data:
                raise EOFError
            yield from _decompress(member, data)
            data = b"" if member.eof else read(n_bytes)
        data = member.unused_data.lstrip(b"\0")
        while not data and (more := read(n_bytes)):
            data = more.lstrip(b"\0")


def _decompress(member: Any, data: bytes) -> Iterator[bytes]:
    if not isinstance(member, bz2.BZ2Decompressor | lzma.LZMADecompressor):
        yield member.decompress(data)
        return
    yield member.decompress(data, PIECE_BYTES)
    while not member.eof and not member.needs_input:
        yield member.decompress(b"", PIECE_BYTES)


def _gzip(read: _Input) -> Iterator[bytes]:
    """As `_members`, but after damage on to where the next member begins: an archive
    of the web has one for each record. In the end the damage is raised.
    """
    damage: zlib.error | None = None
    data = read(GZIP_PIECE_BYTES)
    while data:
        member = before = zlib.decompressobj(31)
        try:
            while not member.eof:
                if not data:
                    raise EOFError
                before = member.copy()
                yield member.decompress(data)
                data = b"" if member.eof else read(GZIP_PIECE_BYTES)
            data = member.unused_data.lstrip(b"\0")
            while not data and (more := read(GZIP_PIECE_BYTES)):
                data = more.lstrip(b"\0")
        except zlib.error as error:
            damage = error
            yield _up_to_damage(before, data)
            data = _next_member(data[1:], read)
    if damage is not None:
        raise damage


def _up_to_damage(member: Any, data: bytes) -> bytes:
    """What a piece gives before its damage."""
    found = b""
    for place in range(0, len(data), 64):
        try:
            found += member.decompress(data[place : place + 64])
        except zlib.error:
            break
    return found


def _next_member(data: bytes, read: _Input) -> bytes:
    """A piece that begins as a member does; b"" at the end."""
    while (place := data.find(GZIP_MARK)) < 0:
        more = read(GZIP_PIECE_BYTES)
        if not more:
            return b""
        data = data[-2:] + more
    return data[place:]


def _bz2(read: _Input) -> Iterator[bytes]:
    return _members(bz2.BZ2Decompressor, read, PIECE_BYTES)


def _xz(read: _Input) -> Iterator[bytes]:
    return _members(lzma.LZMADecompressor, read, PIECE_BYTES)


def _zstd(read: _Input) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor()
    return _members(unpacker.decompressobj, read, ZSTD_PIECE_BYTES)


_Unpack = Callable[[_Input], Iterator[bytes]]
_FORMATS: tuple[tuple[bytes, _Unpack], ...] = (
    (GZIP_MARK, _gzip),
    (b"BZh", _bz2),
    (b"\xfd7zXZ\x00", _xz),
    (b"\x28\xb5\x2f\xfd", _zstd),
)


def _format(data: bytes) -> _Unpack | None:
    return next((read for mark, read in _FORMATS if data.startswith(mark)), None)
