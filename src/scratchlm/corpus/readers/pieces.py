"""From one piece of input to documents, streaming, with an account of all that fails.

A file gives its documents up to where it is damaged; the damage is counted. Archives
are entered, and archives within them down to `max_depth`. What is read by a library
that meets the open web is read in a process of its own (`workers`).
"""

import io
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, cast

from scratchlm.base.errors import UserError
from scratchlm.corpus.clean import printable_name
from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.document import Document
from scratchlm.corpus.readers.account import Account
from scratchlm.corpus.readers.archives import Member, archive_members, checked_name
from scratchlm.corpus.readers.bodies import body_text
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.readers.expand import (
    Expanded,
    Limits,
    open_expanded,
)
from scratchlm.corpus.readers.extractors import KINDS
from scratchlm.corpus.readers.kinds import kind_of, kind_of_content
from scratchlm.corpus.readers.lines import (
    TOO_LONG,
    Head,
    pass_line,
    peek_head,
    read_lines,
)
from scratchlm.corpus.readers.mail import mbox_messages
from scratchlm.corpus.readers.row_texts import Fields, Text
from scratchlm.corpus.readers.text_files import (
    REPLACED,
    ROW_KINDS,
    TextFile,
    parquet_texts,
    plain_texts,
    row_file_texts,
    sound_text,
)
from scratchlm.corpus.readers.web_pages import web_page_texts
from scratchlm.corpus.readers.workers import ExtractWorkers
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.piece import Piece

TOO_DEEP = "an archive in too many archives (max_depth)"
SPOOL_BYTES = 8 * 2**20
ARCHIVES = ("zip", "tar")


@dataclass(frozen=True)
class Reading:
    """How the pieces of one source are read, and where the account goes.

    `text_field` names the field of rows that holds the text; `columns` further fields
    for the metadata.
    """

    config: ReadConfig
    receipt: Receipt
    workers: ExtractWorkers
    source: str = ""
    text_field: str | None = None
    columns: tuple[str, ...] = ()


def read_piece(piece: Piece, stream: BinaryIO, reading: Reading) -> Iterator[Document]:
    """The documents of a file or a part of one, in their order.

    `stream` is the whole file as stored, at its first byte; if it can seek, nothing
    is copied. Whatever cannot be read is counted in the receipt's steps `files` and
    `records`, what was repaired in `repairs`; nothing is raised for it.

    Raises:
        UserError: no room to unpack what must be unpacked to a file.
    """
    account = Account(reading.receipt, reading.source)
    reader = _Reader(reading, account)
    item = _Item(piece.name, stream, piece.n_bytes, 0, piece)
    yield from reader.read(item)


@dataclass(frozen=True)
class _Item:
    """A file or archive member: its name, its bytes, and how deep it lies."""

    name: str
    stream: BinaryIO
    n_bytes: int
    depth: int
    piece: Piece


@dataclass(frozen=True)
class _Opened:
    """An item that was looked at: what it is, and its content as a stream."""

    item: _Item
    kind: str
    head: bytes
    stream: io.BufferedReader
    expanded: Expanded


class _Reader:
    def __init__(self, reading: Reading, account: Account) -> None:
        self._reading, self._account = reading, account
        self._config = reading.config
        self._limits = Limits(
            self._config.max_unpacked_bytes, self._config.max_expansion
        )

    def read(self, item: _Item) -> Iterator[Document]:
        """The documents of an item; its damage goes to the account."""
        before, trouble, kind = self._account.n_records, "", ""
        try:
            opened = self._open(item)
            kind = opened.kind
            yield from self._documents(opened)
            trouble = opened.expanded.trouble
        except (UnreadableError, MemoryError) as error:
            trouble = str(error) or "too large for the memory"
        except OSError as error:
            trouble = f"unreadable: {error.strerror or error}"
        self._close(item, kind, trouble, self._account.n_records > before)

    def _close(self, item: _Item, kind: str, trouble: str, anything: bool) -> None:
        """Count the item itself."""
        is_first = item.depth > 0 or item.piece.begin == 0
        if trouble and (anything or not is_first):
            self._account.fail_record(f"{item.name}:rest", trouble)
        if kind in ARCHIVES:
            if trouble and not anything:
                self._account.drop_file(item.name, trouble, item.n_bytes)
        elif anything or not is_first:
            self._account.keep_file(item.n_bytes, is_first)
        else:
            self._account.drop_file(item.name, trouble or "empty", item.n_bytes)

    def _open(self, item: _Item) -> _Opened:
        begin = item.piece.begin if item.piece.kind == "lines" else 0
        start = item.stream.read(2**16) if begin else b""
        if begin:
            item.stream.seek(begin - 1)
        stream, expanded = open_expanded(item.stream, self._limits)
        head = start or peek_head(stream)
        kind = kind_of(item.name, head)
        content_type = item.piece.content_type
        if content_type and item.depth == 0:
            of_header = kind_of_content(content_type, head)
            if of_header is None:
                raise UnreadableError(f"{content_type[:60]}: not a kind that is read")
            kind = of_header
        return _Opened(item, kind, head, stream, expanded)

    def _documents(self, opened: _Opened) -> Iterator[Document]:
        item, kind = opened.item, opened.kind
        if kind in ARCHIVES:
            yield from self._members(opened)
            return
        texts = self._texts(opened)
        for text in texts:
            document = self._document(item, kind, text)
            if document is not None:
                yield document

    def _texts(self, opened: _Opened) -> Iterator[Text]:
        item, kind, most = opened.item, opened.kind, self._config.max_record_bytes
        workers, account = self._reading.workers, self._account
        if kind in KINDS:
            data = opened.stream.read(most + 1)
            if len(data) > most:
                raise UnreadableError(TOO_LONG)
            body = body_text(
                kind, data, item.name, workers, account, item.piece.content_type
            )
            yield Text(body.text, None, body.facts)
        elif kind in ("warc", "arc"):
            yield from web_page_texts(
                kind, opened.stream, item.name, most, workers, account
            )
        elif kind == "mbox":
            yield from self._messages(opened)
        elif kind == "parquet":
            yield from parquet_texts(self._text_file(opened), self._seekable(opened))
        else:
            yield from self._decoded_texts(opened)

    def _decoded_texts(self, opened: _Opened) -> Iterator[Text]:
        file, stream = self._text_file(opened), opened.stream
        if not opened.head.strip(b"\0 \t\r\n") and not opened.head:
            raise UnreadableError("empty")
        head = Head.of(opened.head)
        piece = opened.item.piece
        if not piece.begin:
            self._account.note_encoding(head.encoding)
        if piece.kind == "lines" and piece.begin:
            passed = pass_line(stream) - 1  # it stands one byte before the range
            end = piece.end
            left = None if end is None else max(0, end - piece.begin - passed)
            file = replace(file, n_bytes=left)
        if opened.kind in ROW_KINDS:
            yield from row_file_texts(file, opened.kind, stream, head)
        else:
            yield from plain_texts(file, stream, head)

    def _text_file(self, opened: _Opened) -> TextFile:
        piece, fields = opened.item.piece, self._reading
        is_part = opened.item.depth == 0 and piece.kind == "lines"
        groups = (piece.begin, piece.end) if piece.kind == "row_groups" else (0, None)
        return TextFile(
            opened.item.name,
            self._account,
            self._limits,
            self._config.max_record_bytes,
            Fields(fields.text_field, fields.columns),
            piece.first_row,
            piece.end - piece.begin if is_part and piece.end is not None else None,
            groups,
        )

    def _messages(self, opened: _Opened) -> Iterator[Text]:
        most, workers = self._config.max_record_bytes, self._reading.workers
        lines = read_lines(opened.stream, most)
        for message in mbox_messages(lines, most):
            place = f"{opened.item.name}:{message.number}"
            try:
                if message.data is None:
                    raise UnreadableError(TOO_LONG)
                body = body_text("mail", message.data, place, workers, self._account)
            except UnreadableError as error:
                self._account.fail_record(place, str(error), message.n_bytes)
                continue
            yield Text(body.text, message.number, body.facts)

    def _document(self, item: _Item, kind: str, text: Text) -> Document | None:
        """One text as a document; None, and counted, where it cannot be one."""
        sound, n_bytes, repaired = sound_text(text.text)
        row = None if text.row is None else item.piece.first_row + text.row
        mark = "#" if kind == "text" else ":"
        place = item.name if row is None else f"{item.name}{mark}{row:07d}"
        if n_bytes > self._config.max_record_bytes and kind not in ("text", *KINDS):
            self._account.fail_record(place, TOO_LONG, n_bytes)
            return None
        if not sound.strip():
            self._account.drop_record(place, "empty", n_bytes)
            return None
        if repaired:
            self._account.repair(place, REPLACED)
        self._account.keep_record(n_bytes)
        facts: Mapping[str, Any] = {"kind": kind, **text.facts}
        if item.piece.url:
            facts = {"url": item.piece.url, **facts}
        return Document(place, sound, self._reading.source, dict(facts))

    def _members(self, opened: _Opened) -> Iterator[Document]:
        item = opened.item
        if item.depth >= self._config.max_depth:
            raise UnreadableError(TOO_DEEP)
        is_zip = opened.kind == "zip"
        stream = self._seekable(opened) if is_zip else cast(BinaryIO, opened.stream)
        names: dict[str, int] = {}
        for member in archive_members(opened.kind, stream, self._limits):
            name = f"{item.name}!/{printable_name(member.name)}"
            names[name] = names.get(name, 0) + 1
            if names[name] > 1:
                name += f"~{names[name]}"
            yield from self._member(member, name, item)

    def _member(self, member: Member, name: str, item: _Item) -> Iterator[Document]:
        piece = Piece(item.piece.name, "", member.n_bytes, "")
        try:
            checked_name(member.name)
            stream = member.open()
        except UnreadableError as error:
            self._account.drop_file(name, str(error), member.n_bytes)
            return
        yield from self.read(_Item(name, stream, member.n_bytes, item.depth + 1, piece))

    def _seekable(self, opened: _Opened) -> BinaryIO:
        """The content as a file that can seek: itself, or a copy on disk."""
        below = opened.item.stream
        if not opened.expanded.packed and _can_seek(below):
            below.seek(0)
            return below
        copy = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115
        while piece := opened.stream.read(2**20):
            try:
                copy.write(piece)
            except OSError as error:  # this machine's trouble, not the file's
                raise UserError(
                    f"{opened.item.name} cannot be unpacked to the folder for "
                    f"temporary files ({error.strerror}); free some space there, or "
                    "name another one in TMPDIR, and run the same command again"
                ) from None
        copy.seek(0)
        return cast(BinaryIO, copy)


def _can_seek(stream: BinaryIO) -> bool:
    return bool(getattr(stream, "seekable", lambda: False)())
