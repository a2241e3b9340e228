"""Records of WARC, WET and ARC files, with what lies between good records counted.

Own framing, because nothing may be lost without a word: libraries in their lenient
modes pass damaged bytes over in silence, and in their strict ones end at the first.
After damage reading goes on at the next line that begins a record. WARC: ISO 28500;
ARC: the Internet Archive's format of 1996, versions 1 and 2.
"""

import io
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scratchlm.corpus.readers.expand import Limits, open_expanded

MOST_HEADER_BYTES = 2**16
SKIP_BYTES = 2**20
MOST_HTTP_EXPANSION = 1000.0
DAMAGED = "damaged web archive: bytes that are no record"
CUT_OFF = "the archive ends within a record"

_WARC = re.compile(rb"WARC/\d\.\d+\s*$")
_INSIDE = re.compile(rb"\n(?=WARC/\d\.\d+\r?\n)")
_ARC = re.compile(
    rb"(?P<url>[a-z]{2,12}:\S.*) (?P<host>[0-9a-fA-F.:]{3,45}) (?P<date>\d{4,18}) "
    rb"(?P<type>\S+)(?: .*)? (?P<length>-?\w+)\s*$"
)


@dataclass(frozen=True)
class Record:
    """One record. `number` counts those of the file from 1.

    `kind` is the WARC-Type (of ARC: `response`, of its head `warcinfo`). `block` is
    None where it is longer than may be; `trouble` says what is wrong with it.
    """

    number: int
    kind: str
    url: str
    date: str
    content_type: str
    block: bytes | None
    n_bytes: int
    trouble: str = ""


def warc_records(stream: io.BufferedReader, most_bytes: int) -> Iterator[Record | int]:
    """Records in order; an integer is a number of bytes that were no record."""
    source = _Source(stream)
    number = skipped = 0
    while line := source.readline():
        if not _WARC.match(line):
            skipped += len(line) if line.strip() else 0
            continue
        if skipped:
            yield skipped
            skipped = 0
        headers = _read_headers(source)
        length = headers.get("content-length", "")
        if not length.isdecimal() or len(length) > 15:
            skipped += len(line)
            continue
        number += 1
        block, trouble = source.block(int(length), most_bytes)
        if block is not None and not trouble:
            block, trouble = _without_next(source, block)
        yield Record(
            number,
            headers.get("warc-type", "unknown").lower(),
            headers.get("warc-target-uri", "").strip("<>"),
            headers.get("warc-date", ""),
            headers.get("content-type", ""),
            block,
            int(length),
            trouble,
        )
    if skipped:
        yield skipped


def arc_records(stream: io.BufferedReader, most_bytes: int) -> Iterator[Record | int]:
    """The same of an ARC file, whose records are announced in one line each."""
    source = _Source(stream)
    number = skipped = 0
    while line := source.readline():
        found = _ARC.match(line)
        length = found["length"].decode() if found else ""
        if found is None or not length.isdecimal() or len(length) > 15:
            skipped += len(line) if line.strip() else 0
            continue
        if skipped:
            yield skipped
            skipped = 0
        number += 1
        block, trouble = source.block(int(length), most_bytes)
        url = found["url"].decode("utf-8", "replace")
        is_head = url.startswith("filedesc:")
        kind = "warcinfo" if is_head else "response"
        date = found["date"].decode()
        type_ = found["type"].decode("utf-8", "replace")
        yield Record(number, kind, url, date, type_, block, int(length), trouble)
    if skipped:
        yield skipped


class _Source:
    """A stream into which bytes can be put back."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream, self._first = stream, b""

    def readline(self) -> bytes:
        """A line of at most 64 kB, b"" at the end."""
        if not self._first:
            return self._stream.readline(MOST_HEADER_BYTES)
        line, newline, self._first = self._first.partition(b"\n")
        if newline:
            return line + newline
        return line + self._stream.readline(MOST_HEADER_BYTES)

    def block(self, n_bytes: int, most_bytes: int) -> tuple[bytes | None, str]:
        """So many bytes, or None if they are too many to hold; and the trouble."""
        if n_bytes > most_bytes:
            return None, "" if self._skip(n_bytes) else CUT_OFF
        data = self._first[:n_bytes]
        self._first = self._first[n_bytes:]
        data += self._stream.read(n_bytes - len(data))
        return data, "" if len(data) == n_bytes else CUT_OFF

    def _skip(self, n_bytes: int) -> bool:
        n_bytes -= len(self._first[:n_bytes])
        self._first = b""
        while n_bytes > 0 and (data := self._stream.read(min(n_bytes, SKIP_BYTES))):
            n_bytes -= len(data)
        return n_bytes <= 0

    def push(self, data: bytes) -> None:
        """Put bytes back before all that is still to be read."""
        self._first = data + self._first


def _without_next(source: _Source, block: bytes) -> tuple[bytes, str]:
    """The block without records that it swallowed because its length is wrong.

    Right after a block come blank lines, then a record or the end; if they do not,
    and the block holds the beginning of a record, it ends there.
    """
    between = b""
    while (line := source.readline()) and not line.strip():
        between += line
    source.push(line)
    if not line or (_WARC.match(line) and between):
        return block, ""
    inside = _INSIDE.search(block)
    if inside is None:
        return block, ""
    source.push(block[inside.end() :] + between)
    return block[: inside.end()].rstrip(b"\r\n"), "a record of a wrong length"


def _read_headers(source: _Source) -> dict[str, str]:
    """Names in lower case; the first of each, continued lines joined."""
    headers: dict[str, str] = {}
    name = ""
    while (line := source.readline()) and line.strip():
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text[:1] in " \t" and name:
            headers[name] += " " + text.strip()
            continue
        name, _, value = text.partition(":")
        name = name.strip().lower()
        headers.setdefault(name, value.strip())
    return headers


@dataclass(frozen=True)
class HttpResponse:
    """Status (None: not told), headers in lower case, and the decoded content."""

    status: int | None
    headers: Mapping[str, str]
    content: bytes


def http_response(block: bytes, most_bytes: int) -> HttpResponse:
    """Take a block of HTTP apart and undo its transfer and content encodings.

    Encodings that it names but is not in (many archives store what was decoded) are
    passed over.

    Raises:
        UnreadableError: no HTTP, or larger than `most_bytes` when it is decoded.
    """
    if not block.startswith((b"HTTP/", b"http/")):
        return HttpResponse(None, {}, block)
    source = _Source(io.BufferedReader(io.BytesIO(block)))
    words = source.readline().split(None, 2)
    headers = _read_headers(source)
    content = source.block(len(block), len(block))[0] or b""
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else None
    if "chunked" in headers.get("transfer-encoding", "").lower():
        content = _without_chunks(content)
    for name in headers.get("content-encoding", "").lower().split(",")[::-1]:
        content = _decoded(content, name.strip(), most_bytes)
    return HttpResponse(status, headers, content)


def _without_chunks(content: bytes) -> bytes:
    """Chunks joined; content that is in none, or is cut off, as far as it goes."""
    parts: list[bytes] = []
    place = 0
    while True:
        end = content.find(b"\n", place, place + 200)
        size = content[place:end].partition(b";")[0].strip() if end >= 0 else b""
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size):
            return b"".join(parts) + content[place:] if parts else content
        n_bytes = int(size, 16)
        if n_bytes == 0:
            return b"".join(parts)
        parts.append(content[end + 1 : end + 1 + n_bytes])
        place = end + 1 + n_bytes
        place += 2 * content.startswith(b"\r\n", place)
        if place >= len(content):
            return b"".join(parts)


def _decoded(content: bytes, name: str, most_bytes: int) -> bytes:
    """Content out of gzip, zstd, deflate or br; as it is where it is in none."""
    if name in ("gzip", "x-gzip", "zstd"):
        limits = Limits(most_bytes, MOST_HTTP_EXPANSION)
        return open_expanded(io.BytesIO(content), limits)[0].read()
    if name == "deflate":
        return _inflated(content, most_bytes)
    if name == "br":
        from fastwarc.stream_io import BrotliReader

        try:
            found: bytes = BrotliReader(io.BytesIO(content)).read(most_bytes + 1)
        except OSError:
            return content
        Limits(most_bytes, MOST_HTTP_EXPANSION).check(len(found), len(content))
        return found or content
    return content


def _inflated(content: bytes, most_bytes: int) -> bytes:
    """With zlib's header, as the standard has it, or without, as some servers send."""
    for window in (15, -15):
        try:
            found = zlib.decompressobj(window).decompress(content, most_bytes + 1)
        except zlib.error:
            continue
        Limits(most_bytes, MOST_HTTP_EXPANSION).check(len(found), len(content))
        return found
    return content
