"""Pieces of input: what a shard of the build reads, named and fingerprinted.

A plan is a list of shards, a shard a list of pieces. Which piece stands in which
shard follows from names and sizes alone; whether a shard must be read again follows
from its fingerprint. Neither depends on where the files lie or on their times.
"""

from dataclasses import dataclass
from typing import Literal

from scratchlm.base.hashing import sha256_json

PieceKind = Literal["file", "lines", "row_groups", "stdlib"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or a part of one.

    `name` is unique in its source and what ids of documents begin with; no absolute
    path. `location` is a path of this machine or an fsspec URL (`s3://…`): it opens
    the piece and stands in no artefact. `n_bytes` are those of the piece as stored.
    `fingerprint` is a SHA-256 of its content (for row groups of the whole file's), or
    of what a remote store says of the file's version.

    By `kind`:

    - `file`: everything there is in the file, whatever it is;
    - `lines`: bytes `begin .. end - 1` of plain text or jsonl. The piece owns the
      lines that *begin* in the range, up to the newline that ends the last one;
    - `row_groups`: row groups `begin .. end - 1` of a Parquet file;
    - `stdlib`: the standard library of the Python that runs.

    `end` None is the end of the file. `first_row` counts the rows (lines, rows of
    Parquet) of the file before the piece: its first row has number `first_row + 1`.
    `url` and `content_type` are what a fetched page came with.
    """

    name: str
    location: str
    n_bytes: int
    fingerprint: str
    begin: int = 0
    end: int | None = None
    kind: PieceKind = "file"
    first_row: int = 0
    source: str = ""
    url: str | None = None
    content_type: str | None = None

    def identity(self) -> list[str | int | None]:
        """All that decides the documents of the piece; not where it lies."""
        return [
            *(self.name, self.n_bytes, self.fingerprint, self.begin, self.end),
            *(self.kind, self.first_row, self.source, self.url, self.content_type),
        ]


@dataclass(frozen=True, slots=True)
class InputShard:
    """Pieces of one source that are read together, in order."""

    source: str
    pieces: tuple[Piece, ...]

    @property
    def n_bytes(self) -> int:
        """Bytes of all pieces as stored."""
        return sum(piece.n_bytes for piece in self.pieces)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what the documents depend on, the configuration aside."""
        pieces = [piece.identity() for piece in self.pieces]
        return sha256_json({"source": self.source, "pieces": pieces})
