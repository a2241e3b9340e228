"""Documents as Parquet, row groups of about 4 MB: written and read a piece at a time.

The same documents give the same bytes: groups are cut by content alone, and nothing
in the file names a time or a place.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scratchlm.base.atomic import atomic_path
from scratchlm.base.errors import UserError
from scratchlm.corpus.document import Document

GROUP_BYTES = 4 * 2**20
GROUP_ROWS = 8192
OWN_COLUMNS = ("url", "licence", "language")  # the rest of the metadata is JSON
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("source", pa.string()),
        *((name, pa.string()) for name in OWN_COLUMNS),
        ("metadata", pa.string()),
    ]
)
COLUMNS = tuple(SCHEMA.names)
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Some rows of a shard. `rows` (N,) are their numbers in the shard as written:
    they stay what they are when rows before them were dropped.
    """

    rows: Rows
    table: pa.RecordBatch

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[str]:
        """One column as Python strings."""
        values: list[str] = self.table.column(name).to_pylist()
        return values

    def utf8(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """All texts without a copy: bytes, and where each begins and ends (N + 1,)."""
        texts = self.table.column("text")
        _, offsets, data = texts.buffers()
        ends = np.frombuffer(offsets, np.int64)[texts.offset :][: len(texts) + 1]
        return np.frombuffer(data or b"", np.uint8), ends

    def documents(self) -> list[Document]:
        """The rows as documents."""
        columns = [self.column(name) for name in COLUMNS]
        return [_document(*values) for values in zip(*columns, strict=True)]


class DocumentWriter:
    """Writes documents one after the other; `close` or a `with` block ends the file.

    `lasting` files are packed tightly; others, read again and again and then deleted,
    so that reading them costs little.
    """

    def __init__(self, path: Path, lasting: bool = True) -> None:
        self._file = pq.ParquetWriter(
            path, SCHEMA, compression="zstd" if lasting else "lz4", version="2.6"
        )
        self._rows: list[tuple[str | None, ...]] = []
        self._n_bytes = 0
        self.n_documents = 0

    def __enter__(self) -> "DocumentWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def write(self, document: Document) -> None:
        """Add one document."""
        metadata = dict(document.metadata)
        own = tuple(_optional(metadata.pop(name, None)) for name in OWN_COLUMNS)
        rest = json.dumps(metadata, sort_keys=True, ensure_ascii=False)
        row = (document.id, document.text, document.source, *own, rest)
        size = document.n_bytes
        self._rows.append(row)
        self._n_bytes += size
        self.n_documents += 1
        if self._n_bytes >= GROUP_BYTES or len(self._rows) >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what waits and the end of the file."""
        self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._rows:
            columns = list(zip(*self._rows, strict=True))
            arrays = [
                pa.array(column, field.type)
                for column, field in zip(columns, SCHEMA, strict=True)
            ]
            self._file.write_batch(pa.record_batch(arrays, schema=SCHEMA))
        self._rows, self._n_bytes = [], 0


def write_documents(path: Path, documents: Iterable[Document]) -> int:
    """Write a whole file atomically and say how many documents it holds."""
    with atomic_path(path) as temporary, DocumentWriter(temporary) as writer:
        for document in documents:
            writer.write(document)
        return writer.n_documents


def read_batches(path: Path, columns: Sequence[str] = COLUMNS) -> Iterator[Batch]:
    """The rows of a file in order, one row group at a time.

    Raises:
        UserError: the file is truncated or none of ours.
    """
    first = 0
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=list(columns))
                for batch in table.combine_chunks().to_batches():
                    yield Batch(np.arange(first, first + len(batch)), batch)
                    first += len(batch)
    except (OSError, pa.ArrowException, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path} cannot be read ({reason}); delete it and build again"
        ) from None


def count_rows(path: Path) -> int:
    """Number of documents in a file, from its footer."""
    n_rows: int = pq.read_metadata(path).num_rows
    return n_rows


def _optional(value: object) -> str | None:
    return None if value is None else str(value)


def _document(
    id: str,
    text: str,
    source: str,
    url: str | None,
    licence: str | None,
    language: str | None,
    metadata: str,
) -> Document:
    own = zip(OWN_COLUMNS, (url, licence, language), strict=True)
    known = {name: value for name, value in own if value is not None}
    return Document(id, text, source, {**known, **json.loads(metadata)})
