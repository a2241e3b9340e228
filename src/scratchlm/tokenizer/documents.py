"""One file as labelled documents, read as a stream where its form allows.

A text file is one document, or several where it is large, cut between paragraphs. Of
`.jsonl` each row is one, of `.json` each element; all may be packed (.gz .bz2 .xz
.zst). A document's label is its row's `lang`, else its `source` where a file names few
of them, else the file's.
"""

import bz2
import gzip
import json
import lzma
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from scratchlm.base.errors import UserError
from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import SUFFIXES
from scratchlm.corpus.readers.json_rows import json_rows
from scratchlm.corpus.readers.kinds import kind_of
from scratchlm.corpus.readers.row_texts import KNOWN as TEXT_FIELDS
from scratchlm.tokenizer.counts_file import MAGIC

Labelled = tuple[str, str]
"""The name of a source, and one of its documents."""

_OPENERS: dict[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
_DAMAGE = (EOFError, OSError, lzma.LZMAError, zstandard.ZstdError)
_PART_BYTES = 1 << 16
_LOOK_AHEAD = 200
_MOST_SOURCES = 12


@dataclass(frozen=True)
class Source:
    """A file to read."""

    path: Path
    label: str
    named: bool
    """The label was given, so that no row's own counts."""
    kind: str
    """"text", "json", "jsonl" or "parquet"."""

    @property
    def is_plain(self) -> bool:
        """Whether the file's bytes are its text."""
        return self.kind == "text" and self.path.suffix not in SUFFIXES


def documents_of(source: Source) -> Iterator[tuple[Labelled, int]]:
    """The documents of a file, and how many of its bytes are read so far.

    Raises:
        UserError: a file that is damaged, with its name.
    """
    with _open(source.path) as (file, raw):
        for labelled in _READERS[source.kind](source, file):
            yield labelled, raw.tell()


def kind_of_file(path: Path) -> str:
    """ "text", "json", "jsonl" or "parquet", by the name and the first bytes.

    Raises:
        UnreadableError: another kind.
    """
    with _open(path) as (file, _):
        head = file.read(512)
    if head.startswith(MAGIC):
        raise UnreadableError("it is saved counts: give it to --counts")
    kind = kind_of(path.name, head)
    if kind not in _READERS:
        raise UnreadableError(f"it is {kind}")
    return kind


@contextmanager
def _open(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The text's bytes, and the file itself, whose place says how far we are."""
    try:
        with path.open("rb") as raw:
            if path.suffix == ".zst":
                reader = zstandard.ZstdDecompressor().stream_reader(
                    raw, read_across_frames=True
                )
                yield cast(BinaryIO, BufferedReader(reader)), raw
            elif path.suffix in _OPENERS:
                yield cast(BinaryIO, _OPENERS[path.suffix](raw, "rb")), raw
            else:
                yield raw, raw
    except _DAMAGE as error:
        raise UserError(
            f"{path} cannot be read ({error}): it is damaged, or not what its name "
            "says; leave it out or make it anew"
        ) from None


def _read_text(source: Source, file: BinaryIO) -> Iterator[Labelled]:
    """Parts of about 64 kB that begin where a line does, if not with white space."""
    lines: list[bytes] = []
    n_bytes = 0
    for line in file:
        at_border = not line[:1].isspace() or n_bytes >= 4 * _PART_BYTES
        if n_bytes >= _PART_BYTES and at_border:
            yield source.label, b"".join(lines).decode("utf-8", "replace")
            lines, n_bytes = [], 0
        lines.append(line)
        n_bytes += len(line)
    if lines:
        yield source.label, b"".join(lines).decode("utf-8", "replace")


def _read_json(source: Source, file: BinaryIO) -> Iterator[Labelled]:
    try:
        rows = [row for _, row in json_rows(file.read().decode("utf-8", "replace"))]
    except UnreadableError as error:
        raise UserError(f"{source.path} cannot be read: {error}") from None
    yield from _labelled(source, enumerate(rows, 1))


def _read_jsonl(source: Source, file: BinaryIO) -> Iterator[Labelled]:
    yield from _labelled(source, _rows(source.path, file))


def _read_parquet(source: Source, file: BinaryIO) -> Iterator[Labelled]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(file) as table:
            rows = (
                row for batch in table.iter_batches(1024) for row in batch.to_pylist()
            )
            yield from _labelled(source, enumerate(rows, 1))
    except pyarrow.ArrowException as error:
        raise OSError(str(error).splitlines()[0]) from None


_READERS = {
    "text": _read_text,
    "json": _read_json,
    "jsonl": _read_jsonl,
    "parquet": _read_parquet,
}


def _rows(path: Path, file: BinaryIO) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(file, 1):
        if line.isspace():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(
                f"{path}, line {number} is not JSON ({error}); repair or remove it"
            ) from None


def _labelled(source: Source, rows: Iterator[tuple[int, object]]) -> Iterator[Labelled]:
    first = list(islice(rows, _LOOK_AHEAD))
    by_source = len({_field(row, ("source",)) for _, row in first}) <= _MOST_SOURCES
    fields = ("lang", "language", *(("source",) if by_source else ()))
    for number, row in chain(first, rows):
        text = row if isinstance(row, str) else _field(row, TEXT_FIELDS)
        if text is None:
            raise UserError(
                f"{source.path}, row {number} has no text: its text must stand in one "
                f"of the fields {', '.join(TEXT_FIELDS[:4])} …"
            )
        own = None if source.named else _field(row, fields)
        yield own or source.label, text


def _field(row: object, names: Iterable[str]) -> str | None:
    if not isinstance(row, Mapping):
        return None
    values = (row.get(name) for name in names)
    return next((value for value in values if isinstance(value, str)), None)
