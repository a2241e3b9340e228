"""Evaluation files: found, read whole, and never silently left out.

A file that was named must give items, or the build stops: text that was not looked
for would count as clean. In a folder, files without items are passed over by name.
"""

import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.corpus.decode import UnreadableError, decode
from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.item_fields import Item, read_item_rows
from scratchlm.corpus.readers.expand import SUFFIXES, Limits, open_expanded

KINDS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".txt": "txt",
    ".zip": "zip",
    ".tar": "tar",
    ".tgz": "tar",
    ".txz": "tar",
}
LIMITS = Limits(max_bytes=2**32, max_expansion=2000.0)
MOST_FIELD_CHARS = 2**27
_UNREADABLE = (
    *(OSError, EOFError, csv.Error, UnreadableError),
    *(tarfile.TarError, zipfile.BadZipFile),
)


def find_item_files(paths: tuple[str, ...]) -> list[tuple[str, Path]]:
    """(name, path) of every evaluation file; names are relative, in sorted order.

    A file in a folder is called by its path below the folder.

    Raises:
        UserError: a path does not exist, or a folder holds no file of a known kind.
    """
    found: dict[Path, str] = {}
    for text in sorted(set(paths)):
        root = Path(text).expanduser()
        if not root.exists():
            raise UserError(
                f"{root} does not exist; check decontaminate.files in the recipe"
            )
        if root.is_file():
            found.setdefault(root, root.name)
            continue
        inside = [path for path in sorted(root.rglob("*")) if _is_read(path)]
        if not inside:
            raise UserError(
                f"{root} holds no evaluation file; name jsonl, json, csv, tsv, "
                "parquet or txt files in decontaminate.files"
            )
        for path in inside:
            found.setdefault(path, path.relative_to(root).as_posix())
    return sorted((name, path) for path, name in found.items())


def read_items(name: str, path: Path, config: DecontaminateConfig) -> list[Item]:
    """Items of one file; each member of an archive is a task of its own.

    Raises:
        UserError: it cannot be read, or no row has a question.
    """
    try:
        items = list(_read(name, path.read_bytes(), config))
    except _UNREADABLE as error:
        raise UserError(
            f"{path} cannot be read ({error}); mend it or take it out of "
            "decontaminate.files"
        ) from None
    if not items:
        raise UserError(
            f"{path} holds no evaluation item; name the field of its questions with "
            "decontaminate.prompt_field"
        )
    return items


def _read(
    name: str, packed: bytes, config: DecontaminateConfig, depth: int = 0
) -> Iterator[Item]:
    stream, account = open_expanded(io.BytesIO(packed), LIMITS)
    data = stream.read()
    if account.trouble:
        raise UnreadableError(account.trouble)
    kind = _kind(name)
    if kind in ("zip", "tar"):
        if depth:
            raise UnreadableError("an archive inside an archive")
        for member, content in sorted(_members(kind, data)):
            yield from _read(member, content, config, depth + 1)
        return
    yield from read_item_rows(_task(name), _rows(kind, name, data), config)


def _members(kind: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the files of an archive that are of a known kind."""
    if kind == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in filter(_kind, archive.namelist()):
                yield name, archive.read(name)
        return
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        for entry in tar:
            file = tar.extractfile(entry) if _kind(entry.name) else None
            if file is not None:
                yield entry.name, file.read()


def _rows(kind: str | None, name: str, data: bytes) -> Iterator[Any]:
    if kind == "parquet":
        return _parquet_rows(data)
    text = decode(data).text.removeprefix("\ufeff")
    if kind == "csv":
        return _csv_rows(text, "\t" if ".tsv" in name.lower() else ",")
    if kind == "txt":
        return _paragraphs(text)
    if kind == "jsonl":
        return _json_lines(text)
    return _json(text)


def _csv_rows(text: str, separator: str) -> Iterator[Any]:
    before = csv.field_size_limit(MOST_FIELD_CHARS)
    try:
        yield from csv.DictReader(io.StringIO(text), delimiter=separator)
    finally:
        csv.field_size_limit(before)  # a setting of the whole process


def _json(text: str) -> Iterator[Any]:
    try:
        yield json.loads(text)
    except ValueError:
        yield from _json_lines(text)


def _json_lines(text: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError:
                raise UnreadableError(f"line {number} is not JSON") from None


def _paragraphs(text: str) -> Iterator[str]:
    """Texts between blank lines; single lines where there are no blank ones."""
    lines = [line.strip() for line in text.strip().split("\n")]
    if "" not in lines:
        yield from lines
        return
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line:
            paragraph.append(line)
        elif paragraph:
            yield "\n".join(paragraph)
            paragraph = []


def _parquet_rows(data: bytes) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[Any] = pq.read_table(io.BytesIO(data)).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise UnreadableError(str(error).splitlines()[0]) from None
    yield from rows


def _is_read(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return path.is_file() and not hidden and _kind(path.name) is not None


def _kind(name: str) -> str | None:
    suffixes = PurePosixPath(name.lower()).suffixes
    while suffixes and suffixes[-1] in SUFFIXES:
        suffixes.pop()
    return KINDS.get(suffixes[-1]) if suffixes else None


def _task(name: str) -> str:
    """The file's name without the suffixes that say how it is written."""
    path = PurePosixPath(name)
    while path.suffix.lower() in (*SUFFIXES, *KINDS):
        path = path.with_suffix("")
    return path.as_posix()
