"""Runs: words that a document and an evaluation item have in common, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

RUN, QUESTION, REPLY = range(3)
SCHEMA = pa.schema(
    [(name, pa.int64()) for name in ("row", "kind", "part", "first", "n_words")]
    + [(name, pa.int64()) for name in ("begin", "end", "cut_begin", "cut_end", "size")]
    + [("document", pa.string()), ("excerpt", pa.string())]
)


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """Equal words of a document and of a part of an item.

    `kind` RUN: words `first .. first + n_words - 1` of the part; QUESTION and REPLY:
    a short prompt as a whole and its answer near it. `begin .. end` is the grown span
    in bytes of the document, `cut_begin .. cut_end` what a mask would cut, `size` the
    document's bytes.
    """

    row: int
    kind: int
    part: int
    first: int
    n_words: int
    begin: int
    end: int
    cut_begin: int
    cut_end: int
    size: int
    document: str
    excerpt: str


def write_runs(path: Path, runs: Sequence[Run]) -> None:
    """Write runs in their order."""
    columns = {
        field.name: pa.array([getattr(run, field.name) for run in runs], field.type)
        for field in SCHEMA
    }
    table = pa.table(columns, schema=SCHEMA)
    pq.write_table(table, path, compression="zstd", version="2.6")


def read_runs(path: Path) -> list[Run]:
    """What `write_runs` wrote."""
    return [Run(**row) for row in pq.read_table(path).to_pylist()]
