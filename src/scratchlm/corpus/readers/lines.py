"""Lines and parts of text out of a stream of bytes, none longer than may be held.

Wide encodings (UTF-16, UTF-32) and lines that end in a bare carriage return are
brought into form first, so that all behind this module cut at newlines.
"""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from scratchlm.corpus.decode import BOMS, UnreadableError, decode

HEAD_BYTES = 2**16
PASS_BYTES = 2**20
FEWEST_TO_GUESS = 100
TOO_LONG = "longer than max_record_bytes"


@dataclass(frozen=True, slots=True)
class Line:
    """One line with its newline; `data` is None where it is longer than may be."""

    number: int
    data: bytes | None
    n_bytes: int


def read_lines(
    stream: io.BufferedReader, most_bytes: int, begin: int = 0, end: int | None = None
) -> Iterator[Line]:
    """The lines that begin in the range of bytes; `number` counts them from 1.

    The stream stands at `begin`. The line that the byte before belongs to is the
    range before's; so a caller with begin > 0 starts one byte earlier and passes the
    rest of that line by with `pass_line`.
    """
    number, place = 0, begin
    while end is None or place < end:
        data = stream.readline(most_bytes + 1)
        if not data:
            return
        number += 1
        n_bytes = len(data)
        if n_bytes > most_bytes and not data.endswith(b"\n"):
            data = b""  # let go of it before more is read
            n_bytes += pass_line(stream)
            yield Line(number, None, n_bytes)
        else:
            yield Line(number, data, n_bytes)
        place += n_bytes


def pass_line(stream: io.BufferedReader) -> int:
    """Read to the end of the line without keeping it; how many bytes that were."""
    n_bytes = 0
    while piece := stream.readline(PASS_BYTES):
        n_bytes += len(piece)
        if piece.endswith(b"\n"):
            break
    return n_bytes


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text, the number of its first line, and whether it is all of it."""

    line: int
    data: bytes
    alone: bool


def text_parts(
    stream: io.BufferedReader, most_bytes: int, n_bytes: int | None = None
) -> Iterator[Part]:
    """A text in parts of at most `most_bytes` bytes; nothing is lost between them.

    Cut at the last newline, else at the last blank, else between characters of
    UTF-8. `n_bytes` ends the text early, after the line in which they end.
    """
    source = _UpTo(stream, n_bytes)
    rest, line = b"", 1
    while True:
        rest += source.read(most_bytes + 1 - len(rest))
        if len(rest) <= most_bytes:  # the end
            if rest:
                yield Part(line, rest, line == 1 and not source.cut)
            return
        source.cut = True
        place = _cut_place(rest, most_bytes)
        yield Part(line, rest[:place], False)
        line += rest.count(b"\n", 0, place)
        rest = rest[place:]


class _UpTo:
    """A stream up to the end of the line in which its first `n_bytes` end."""

    def __init__(self, stream: io.BufferedReader, n_bytes: int | None) -> None:
        self._stream, self._left = stream, n_bytes
        self._in_line = True
        self.cut = False

    def read(self, n_bytes: int) -> bytes:
        """So many bytes, fewer only at the end."""
        if self._left is None:
            return self._stream.read(n_bytes)
        data = self._stream.read(min(n_bytes, self._left))
        self._left -= len(data)
        if data:
            self._in_line = not data.endswith(b"\n")
        if self._left == 0 and self._in_line and len(data) < n_bytes:
            more = self._stream.readline(n_bytes - len(data))
            self._in_line = bool(more) and not more.endswith(b"\n")
            data += more
        return data


def _cut_place(data: bytes, most_bytes: int) -> int:
    for mark in (b"\n", b" "):
        place = data.rfind(mark, 0, most_bytes)
        if place >= 0:
            return place + 1
    place = most_bytes
    while place > max(1, most_bytes - 4) and data[place] & 0xC0 == 0x80:
        place -= 1  # inside a character
    return place


class Narrowed(io.RawIOBase):
    """A stream of text as UTF-8, or in any encoding whose newline is one byte 10."""

    def __init__(self, stream: io.BufferedReader, encoding: str | None) -> None:
        self._stream = stream
        self._decoder = None
        if encoding:
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._rest = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        """Yes: that is all it is."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer, or a part of it; nothing at the end."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        while not self._rest and not self._ended:
            piece = self._stream.read(HEAD_BYTES)
            self._ended = not piece
            self._rest = memoryview(self._narrow(piece))
        part = self._rest[: len(view)]
        view[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)

    def _narrow(self, piece: bytes) -> bytes:
        if self._decoder is None:
            return piece.replace(b"\r", b"\n")
        text = self._decoder.decode(piece, final=not piece)
        return text.encode("utf-8")


@dataclass
class Head:
    """What the first bytes of a text say of all of it."""

    encoding: str
    wide: str | None
    """The encoding to narrow from, None where newlines are bytes already."""
    bare_returns: bool

    @classmethod
    def of(cls, head: bytes, declared: str | None = None) -> "Head":
        """Judge by the first 64 kB.

        Raises:
            UnreadableError: binary, or no encoding fits.
        """
        decoded = decode(_whole_characters(head), declared)
        encoding = decoded.encoding
        wide = encoding if encoding.startswith(("utf-16", "utf-32")) else None
        bare = wide is None and b"\r" in head and b"\n" not in head
        return cls(encoding, wide, bare)

    def narrow(self, stream: io.BufferedReader) -> tuple[io.BufferedReader, "Head"]:
        """The stream as one whose lines end in a byte 10, and what to decode it by."""
        if not self.wide and not self.bare_returns:
            return stream, self
        narrowed = io.BufferedReader(Narrowed(stream, self.wide), HEAD_BYTES)
        encoding = "utf-8" if self.wide else self.encoding
        return cast(io.BufferedReader, narrowed), Head(encoding, None, False)


class RowDecoder:
    """Decodes lines of one file: UTF-8, and where a line is not, what the file's
    head is in; if that is UTF-8 too, what the line seems to be in.

    `encoding` is the name to report. Bytes that are no character become half
    surrogate pairs, for the reader to replace and to report.
    """

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._seven_bit = encoding.startswith(("iso2022", "hz"))

    def decode(self, data: bytes) -> str:
        """One line as text.

        Raises:
            UnreadableError: binary.
        """
        if not self._seven_bit:
            try:
                return data.decode("utf-8")
            except UnicodeDecodeError:
                pass
        if self.encoding in ("utf-8", "utf-8-sig"):
            return data.decode(_encoding_of_line(data), "surrogateescape")
        return data.decode(self.encoding, "surrogateescape")


def _encoding_of_line(data: bytes) -> str:
    """Of a line that is not UTF-8 in a file that is: UTF-8 all the same where more
    characters are whole than broken, else a guess, for which a short line says too
    little to be anything but Western.
    """
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if len(text) - len(text.encode("ascii", "ignore")) > 2 * broken:
        return "utf-8"
    if broken < FEWEST_TO_GUESS:
        return decode(data, "cp1252").encoding
    return decode(data).encoding


def peek_head(stream: io.BufferedReader) -> bytes:
    """The first 64 kB without reading on.

    Raises:
        UnreadableError: the stream cannot be read.
    """
    try:
        return stream.peek(HEAD_BYTES)[:HEAD_BYTES]
    except OSError as error:
        raise UnreadableError(f"unreadable: {error.strerror}") from None


def without_mark(data: bytes) -> bytes:
    """The bytes after a UTF-8 byte order mark."""
    return data.removeprefix(codecs.BOM_UTF8)


def _whole_characters(head: bytes) -> bytes:
    """A head that is cut where a file goes on ends with a whole character."""
    if len(head) < HEAD_BYTES or head.startswith(tuple(mark for mark, _ in BOMS[1:])):
        return head[: len(head) - len(head) % 4] if len(head) >= HEAD_BYTES else head
    newline = head.rfind(b"\n")
    if newline > 0 and b"\0" not in head:
        return head[: newline + 1]
    decoder = codecs.getincrementaldecoder("utf-8")("ignore")
    decoder.decode(head)
    return head[: len(head) - len(decoder.getstate()[0])]
