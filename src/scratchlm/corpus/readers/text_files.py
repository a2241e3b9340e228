"""Texts out of files of plain text and of rows: txt, json, jsonl, csv, parquet.

Everything streams: at most one row or part of a text is held, and 4 MB of rows to
see which column is the text.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from scratchlm.corpus.clean import replace_half_pairs
from scratchlm.corpus.decode import UnreadableError, decode
from scratchlm.corpus.readers.account import Account
from scratchlm.corpus.readers.expand import Limits
from scratchlm.corpus.readers.json_rows import (
    NOT_JSON,
    Fail,
    json_rows,
    jsonl_rows,
    list_rows,
)
from scratchlm.corpus.readers.kinds import separator_of
from scratchlm.corpus.readers.lines import (
    TOO_LONG,
    Head,
    Line,
    RowDecoder,
    read_lines,
    text_parts,
    without_mark,
)
from scratchlm.corpus.readers.parquet import parquet_rows
from scratchlm.corpus.readers.row_texts import NO_TEXT, Fields, Row, Text, row_texts
from scratchlm.corpus.readers.tabular import csv_rows

PEEK_BYTES = 2**12
CUT = "longer than max_record_bytes: cut into parts"
REPLACED = "bytes that are no characters became U+FFFD"
ROW_KINDS = ("json", "jsonl", "csv", "parquet")


@dataclass(frozen=True)
class TextFile:
    """A file or range of one, as its readers see it.

    `name` is the one in the ids; rows are numbered from `first_row` + 1. `n_bytes`,
    of a range, are those in which the lines begin that belong to it; `groups` the
    row groups.
    """

    name: str
    account: Account
    limits: Limits
    most_bytes: int
    fields: Fields
    first_row: int = 0
    n_bytes: int | None = None
    groups: tuple[int, int | None] = (0, None)

    def fail(self, number: int, reason: str, n_bytes: int = 0) -> None:
        """Count a row that cannot be read."""
        name = f"{self.name}:{number + self.first_row}"
        self.account.fail_record(name, reason, n_bytes)

    def leave_out(self, number: int, fields: list[str]) -> None:
        """Count a row without text, with the names of its fields."""
        place = f"{self.name}:{number + self.first_row}"
        self.account.drop_record(f"{place} ({', '.join(fields)})", NO_TEXT)


def plain_texts(
    file: TextFile, stream: io.BufferedReader, head: Head
) -> Iterator[Text]:
    """The file as one text, or in parts if it is longer than may be; the row of a
    part is the number of its first line.

    Raises:
        UnreadableError: binary, or of an unknown encoding.
    """
    narrow, by = head.narrow(stream)
    for part in text_parts(narrow, file.most_bytes, file.n_bytes):
        decoded = decode(part.data, None if part.alone else by.encoding)
        if "\ufffd" in decoded.text and "\ufffd".encode() not in part.data:
            file.account.repair(file.name, REPLACED)
        if part.alone:
            yield Text(decoded.text)
            return
        if part.line == 1:
            file.account.repair(file.name, CUT)
        yield Text(decoded.text, part.line)


def row_file_texts(
    file: TextFile, kind: str, stream: io.BufferedReader, head: Head
) -> Iterator[Text]:
    """The texts of rows of kind json, jsonl or csv.

    Raises:
        UnreadableError: damaged beyond reading, after the rows before the damage.
    """
    narrow, by = head.narrow(stream)
    if kind == "json":
        rows = _json_rows(file, narrow, by)
    else:
        lines = _unmarked(read_lines(narrow, file.most_bytes, 0, file.n_bytes))
        decoder = RowDecoder(by.encoding)
        if kind == "jsonl":
            rows = jsonl_rows(lines, decoder.decode, file.fail)
        else:
            texts = _line_texts(lines, decoder, file.fail)
            rows = csv_rows(texts, separator_of(file.name), file.most_bytes)
    yield from row_texts(rows, file.fields, file.leave_out)


def parquet_texts(file: TextFile, stream: BinaryIO) -> Iterator[Text]:
    """The texts of rows of a seekable Parquet file.

    Raises:
        UnreadableError: damaged, after the rows before the damage.
    """
    rows = parquet_rows(stream, file.limits, file.groups, file.fields.wanted)
    yield from row_texts(rows, file.fields, file.leave_out)


def sound_text(text: str) -> tuple[str, int, bool]:
    """A text fit for UTF-8, its length in bytes, and whether it had to be repaired."""
    try:
        return text, len(text.encode("utf-8")), False
    except UnicodeEncodeError:
        text = replace_half_pairs(text)
        return text, len(text.encode("utf-8")), True


def _unmarked(lines: Iterator[Line]) -> Iterator[Line]:
    """The first line without a byte order mark."""
    first = next(lines, None)
    if first is None:
        return iter(())
    data = first.data if first.data is None else without_mark(first.data)
    return chain((Line(first.number, data, first.n_bytes),), lines)


def _line_texts(
    lines: Iterator[Line], decoder: RowDecoder, fail: Fail
) -> Iterator[str]:
    for line in lines:
        if line.data is None:
            fail(line.number, TOO_LONG, line.n_bytes)
        else:
            yield decoder.decode(line.data)


def _json_rows(file: TextFile, stream: io.BufferedReader, head: Head) -> Iterator[Row]:
    """Elements of a list one by one; any other value, if it is not too long, whole."""
    peeked = without_mark(stream.peek(PEEK_BYTES))
    if peeked.lstrip()[:1] == b"[":
        text = io.TextIOWrapper(stream, _codec(head.encoding), "surrogateescape")
        yield from list_rows(text.read, file.most_bytes)
        return
    data = without_mark(stream.read(file.most_bytes + 1))
    if len(data) > file.most_bytes:
        raise UnreadableError(TOO_LONG)
    try:
        yield from json_rows(decode(data, head.encoding).text)
    except UnreadableError as error:
        if str(error) != NOT_JSON or not _begins_with_row(data):
            raise
        decoder = RowDecoder(head.encoding)
        lines = read_lines(io.BufferedReader(io.BytesIO(data)), file.most_bytes)
        yield from jsonl_rows(lines, decoder.decode, file.fail)


def _begins_with_row(data: bytes) -> bool:
    """Whether the first line is a value of its own: rows that are called .json."""
    line, newline, rest = data.lstrip().partition(b"\n")
    try:
        return bool(newline and rest.strip()) and bool(
            list(json_rows(line.decode("utf-8", "replace")))
        )
    except UnreadableError:
        return False


def _codec(encoding: str) -> str:
    """With a mark of byte order passed over where there is one."""
    return "utf-8-sig" if encoding == "utf-8" else encoding
