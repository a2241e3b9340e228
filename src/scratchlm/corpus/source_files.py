"""A person's own files as documents.

One document a text file or web page, one a row of json, jsonl, csv and parquet. What
cannot be read is dropped with its reason and the rest goes on: a file gives all of
its rows or, where it is damaged, none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from scratchlm.base.progress import SILENT, Progress
from scratchlm.corpus.clean import printable_name
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.decode import UnreadableError, decode
from scratchlm.corpus.document import Document
from scratchlm.corpus.readers.archives import archive_members
from scratchlm.corpus.readers.expand import Limits, expand
from scratchlm.corpus.readers.html import HtmlExtractor, declared_charset
from scratchlm.corpus.readers.json_rows import json_rows, jsonl_rows
from scratchlm.corpus.readers.kinds import kind_of, separator_of
from scratchlm.corpus.readers.parquet import parquet_rows
from scratchlm.corpus.readers.row_texts import Row, Text, row_texts
from scratchlm.corpus.readers.tabular import csv_rows
from scratchlm.corpus.receipt import Receipt, Step
from scratchlm.corpus.walk import FoundFile, find_files

NAMED_FILES = 1000


def collect_files(
    config: CorpusConfig, receipt: Receipt, progress: Progress = SILENT
) -> Iterator[Document]:
    """Documents of all files under `config.paths`, in the order of their names.

    The files are found at once and read as the iterator is.

    Raises:
        UserError: one of the paths does not exist.
    """
    files = receipt.step("files", "files", NAMED_FILES)
    rows = receipt.step("rows", "rows")
    return _read_files(config, find_files(config.paths, files), files, rows, progress)


def _read_files(
    config: CorpusConfig,
    found: list[FoundFile],
    files: Step,
    rows: Step,
    progress: Progress,
) -> Iterator[Document]:
    total, done = sum(file.n_bytes for file in found), 0
    with HtmlExtractor(config.html_timeout_s) as pages:
        reader = _Reader(config, files, rows, pages)
        for file in found:
            progress.update(done, total, file.name)
            done += file.n_bytes
            yield from reader.read_file(file)
        files.notes["pages_read_by_the_plain_parser"] = pages.n_fallback
        files.notes["encodings"] = dict(sorted(reader.encodings.items()))


@dataclass(frozen=True)
class _Item:
    """A file or archive member: its name, the folder asked for, packed bytes."""

    name: str
    root: str
    packed: bytes


class _Reader:
    """Reads one file after the other and keeps the account."""

    def __init__(
        self, config: CorpusConfig, files: Step, rows: Step, pages: HtmlExtractor
    ) -> None:
        self._config, self._files, self._rows, self._pages = config, files, rows, pages
        self._limits = Limits(config.max_file_bytes, config.max_expansion)
        self.encodings: dict[str, int] = {}

    def read_file(self, file: FoundFile) -> Iterator[Document]:
        """Documents of a file, or none and a line in the account."""
        if file.n_bytes > self._config.max_file_bytes:
            reason = f"larger than {self._config.max_file_bytes} bytes"
            self._files.drop(file.name, reason, file.n_bytes)
            return
        try:
            data = file.path.read_bytes()
        except OSError as error:
            reason = f"unreadable: {error.strerror}"
            self._files.drop(file.name, reason, file.n_bytes)
            return
        root = file.name.partition("/")[0]
        yield from self._read(_Item(file.name, root, data), archives=True)

    def _read(self, item: _Item, archives: bool) -> Iterator[Document]:
        rows = Step("rows")
        try:
            data = expand(item.packed, self._limits)
            kind = kind_of(item.name, data)
            if kind in ("zip", "tar"):
                if not archives:
                    raise UnreadableError("an archive inside an archive")
                yield from self._read_archive(item, kind, data)
                return
            texts = list(self._texts(item.name, kind, data, rows))
            if not texts and not rows.n_dropped:
                raise UnreadableError("empty")
        except (UnreadableError, MemoryError) as error:
            reason = str(error) or "too large for the memory"
            self._files.drop(item.name, reason, len(item.packed))
            return
        self._files.keep(len(item.packed))
        self._rows.add(rows)
        for text in texts:
            yield _document(item, kind, text)

    def _read_archive(self, item: _Item, kind: str, data: bytes) -> Iterator[Document]:
        names: set[str] = set()
        for member in archive_members(kind, data, self._limits):
            name = f"{item.name}!/{printable_name(member.name)}"
            try:
                if name in names:
                    raise UnreadableError("a name that another file has")
                names.add(name)
                content = member.read()
            except UnreadableError as error:
                self._files.drop(name, str(error))
                continue
            yield from self._read(_Item(name, item.root, content), archives=False)

    def _texts(self, name: str, kind: str, data: bytes, step: Step) -> Iterator[Text]:
        field = self._config.text_field
        if kind == "parquet":
            rows = parquet_rows(data, self._limits)
            yield from row_texts(rows, field, name, step)
            return
        text = self._decode(data, declared_charset(data) if kind == "html" else None)
        if kind == "html":
            text = self._pages.extract(text)
        if not text.strip():
            raise UnreadableError("empty")
        if kind in ("html", "text"):
            yield Text(text)
        else:
            yield from row_texts(_rows(kind, text, name, step), field, name, step)

    def _decode(self, data: bytes, declared: str | None) -> str:
        decoded = decode(data, declared)
        self.encodings[decoded.encoding] = self.encodings.get(decoded.encoding, 0) + 1
        return decoded.text


def _rows(kind: str, text: str, name: str, step: Step) -> Iterator[Row]:
    if kind == "jsonl":
        return jsonl_rows(text, name, step)
    if kind == "json":
        return json_rows(text)
    assert kind == "csv"
    return csv_rows(text, separator_of(name))


def _document(item: _Item, kind: str, text: Text) -> Document:
    place = "" if text.row is None else f":{text.row:07d}"
    metadata = {"kind": kind, **({"licence": text.licence} if text.licence else {})}
    return Document(f"{item.name}{place}", text.text, item.root, metadata)
