"""From a shard of input to its documents, in order, as they stream."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from scratchlm.corpus.document import Document
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.readers.pieces import Reading, read_piece
from scratchlm.corpus.readers.workers import ExtractWorkers
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.source_stdlib import collect_stdlib
from scratchlm.corpus.sources.config import STDLIB, SourceConfig
from scratchlm.corpus.sources.locating import NAMED_FILES
from scratchlm.corpus.sources.piece import InputShard, Piece
from scratchlm.corpus.sources.streams import open_piece


def read_shard(
    shard: InputShard,
    source: SourceConfig,
    read: ReadConfig,
    receipt: Receipt,
    cache: Path | None = None,
) -> Iterator[Document]:
    """Documents of all pieces; where they do not say a licence or language of their
    own, they have the source's.

    A piece that cannot be opened is counted in the step "files", what is wrong inside
    one by its reader, and the rest goes on. `cache` is where pages lie; pieces know.

    Raises:
        UserError: a file is no longer as it was when the build was planned.
    """
    with ExtractWorkers(read) as workers:
        reading = Reading(
            config=read,
            receipt=receipt,
            workers=workers,
            source=source.name,
            text_field=source.text_field,
            columns=source.columns,
        )
        for piece in shard.pieces:
            for document in _read(piece, reading, receipt):
                yield with_defaults(document, source)


def with_defaults(document: Document, source: SourceConfig) -> Document:
    """The document under its source's name, with what the source knows of it."""
    known = {"licence": source.licence, "language": source.language}
    missing = {
        key: value
        for key, value in known.items()
        if value is not None and not document.metadata.get(key)
    }
    if not missing and document.source == source.name:
        return document
    metadata = {**document.metadata, **missing}
    return replace(document, source=source.name, metadata=metadata)


def _read(piece: Piece, reading: Reading, receipt: Receipt) -> Iterator[Document]:
    if piece.kind == STDLIB:
        yield from collect_stdlib(receipt, Path(piece.location))
        return
    try:
        stream = open_piece(piece)
    except OSError as error:
        step = receipt.step("files", "files", NAMED_FILES)
        reason = f"unreadable: {error.strerror or type(error).__name__}"
        step.drop(piece.name, reason, piece.n_bytes, source=piece.source, failed=True)
        return
    with stream:
        yield from read_piece(piece, stream, reading)
