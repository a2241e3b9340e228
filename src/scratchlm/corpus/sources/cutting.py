"""A file as pieces: one, or the parts that its scan found."""

from collections.abc import Iterator
from dataclasses import replace

from scratchlm.corpus.sources.located import Located
from scratchlm.corpus.sources.piece import Piece
from scratchlm.corpus.sources.scan import FileScan


def cut_file(
    file: Located, scan: FileScan, unit: str | None, cut_bytes: int, source: str
) -> Iterator[Piece]:
    """The pieces of a file; `unit` is "lines", "text", "row_groups" or None.

    Parts of text are called `name#00001`, since each is a document of its own. Lines
    of a remote file that was not read are cut by position alone, and their pieces are
    called by it (`name@67108864`): nobody has counted the lines before.
    """
    whole = Piece(
        *(file.name, file.location, file.n_bytes, scan.fingerprint),
        source=source,
        url=file.url,
        content_type=file.content_type,
    )
    if unit == "lines" and file.token is not None:
        yield from _cut_by_position(whole, cut_bytes)
    elif not scan.parts:
        yield whole
    for number, part in enumerate(scan.parts, start=1):
        yield replace(
            whole,
            name=f"{file.name}#{number:05d}" if unit == "text" else file.name,
            n_bytes=part.n_bytes,
            fingerprint=part.fingerprint,
            begin=part.begin,
            end=part.end,
            kind="row_groups" if unit == "row_groups" else "lines",
            first_row=part.first_row,
        )


def _cut_by_position(whole: Piece, cut_bytes: int) -> Iterator[Piece]:
    for begin in range(0, whole.n_bytes, cut_bytes):
        end = min(begin + cut_bytes, whole.n_bytes)
        yield replace(
            whole,
            name=f"{whole.name}@{begin}",
            n_bytes=end - begin,
            begin=begin,
            end=end,
            kind="lines",
        )
