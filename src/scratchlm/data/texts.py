"""Where texts come from: an iterable, or Parquet shards of a corpus, chunk by chunk.

A chunk is some documents that follow each other, loaded by whoever encodes them. Which
documents form a chunk depends on the texts alone, so that a build that was killed can
go on at a chunk.
"""

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from itertools import islice
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.data.ordered import map_in_order

CHUNK_CHARS = 1 << 22
CHUNK_TEXTS = 1 << 13
Text = str | bytes
"""A text, or the same in UTF-8: what lies in a file so need not be decoded."""
Load = Callable[[], Sequence[Text]]


class Texts(ABC):
    """Texts in order, in chunks that can be loaded in any thread."""

    @property
    @abstractmethod
    def fingerprint(self) -> str | None:
        """Changes with any text; None: unknown, a killed build begins again."""

    @property
    @abstractmethod
    def n_chunks(self) -> int | None:
        """How many chunks there are; None where only the end will tell."""

    @abstractmethod
    def chunks(self, start: int = 0) -> Iterator[Load]:
        """The chunks from number `start` on."""

    def __iter__(self) -> Iterator[str]:
        for load in self.chunks():
            for text in load():
                yield text if isinstance(text, str) else text.decode()


class PlainTexts(Texts):
    """Any iterable of texts.

    Args:
        texts: in order; drawn once, in the caller's thread.
        fingerprint: what changes when a text does. With it a killed build draws the
            texts again up to where it was, without encoding them.
    """

    n_chunks = None

    def __init__(self, texts: Iterable[str], fingerprint: str | None = None) -> None:
        self._texts = texts
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> str | None:
        """As it was given."""
        return self._fingerprint

    def chunks(self, start: int = 0) -> Iterator[Load]:
        """Chunks of about four million characters; one larger text is one chunk."""
        for chunk in islice(_group(self._texts), start, None):
            yield partial(_same, chunk)


class ParquetTexts(Texts):
    """The texts of Parquet shards, in order: one chunk a row group.

    Args:
        paths: the shards, as a corpus build writes them.
        column: the column of the texts.
        fingerprint: what changes when a shard does, as a corpus's manifest knows it;
            None reads the shards to find out.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        column: str = "text",
        fingerprint: str | None = None,
    ) -> None:
        self.paths = tuple(paths)
        self.column = column
        self._given = fingerprint

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the shards' bytes, in order; their names do not matter.

        Raises:
            UserError: a shard is missing.
        """
        if self._given is not None:
            return sha256_json([self.column, self._given])
        prints = map_in_order(_hash_file, self.paths, os.cpu_count() or 1)
        return sha256_json([self.column, *prints])

    @property
    def n_chunks(self) -> int:
        """Row groups of all shards."""
        return len(self._row_groups)

    def chunks(self, start: int = 0) -> Iterator[Load]:
        """One a row group.

        Raises:
            UserError: a shard is missing, truncated, or has no such column.
        """
        for path, group in self._row_groups[start:]:
            yield partial(_read_row_group, path, group, self.column)

    @cached_property
    def _row_groups(self) -> list[tuple[Path, int]]:
        return [
            (path, group) for path in self.paths for group in range(_count_groups(path))
        ]


def as_texts(texts: Iterable[str]) -> Texts:
    """Texts as they are, or an iterable in chunks."""
    return texts if isinstance(texts, Texts) else PlainTexts(texts)


def _group(texts: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    n_chars = 0
    for text in texts:
        chunk.append(text)
        n_chars += len(text)
        if n_chars >= CHUNK_CHARS or len(chunk) >= CHUNK_TEXTS:
            yield chunk
            chunk, n_chars = [], 0
    if chunk:
        yield chunk


def _same(chunk: list[str]) -> list[str]:
    return chunk


def _hash_file(path: Path) -> str:
    """BLAKE2b: twice as fast as SHA-256 where the processor has no help for that."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from None


def _count_groups(path: Path) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        n_groups: int = pq.read_metadata(path).num_row_groups
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from None
    return n_groups


def _read_row_group(path: Path, group: int, column: str) -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            table = file.read_row_group(group, columns=[column], use_threads=False)
            column_utf8 = table.column(column).cast(pa.large_binary())
            texts: list[bytes | None] = column_utf8.to_pylist()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise _unreadable(path, error) from None
    return [text or b"" for text in texts]


def _unreadable(path: Path, error: Exception) -> UserError:
    reason = str(error).splitlines()[0]
    return UserError(
        f"{path} cannot be read as a shard of texts ({reason}): build the corpus again"
    )
