"""From sources to shards of input: found, fetched, hashed, cut, grouped, in order.

The plan is a function of names, sizes and contents: the order of the disk, of
`paths` and of threads has no say. It is made in one process; what it gives can be
read anywhere that sees the same files.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.readers.kinds import split_unit
from scratchlm.corpus.receipt import Receipt, Step
from scratchlm.corpus.sources.config import STDLIB, SourceConfig
from scratchlm.corpus.sources.cutting import cut_file
from scratchlm.corpus.sources.fingerprints import Fingerprints
from scratchlm.corpus.sources.grouping import SHARD_BYTES, group_pieces
from scratchlm.corpus.sources.located import Located
from scratchlm.corpus.sources.locating import NAMED_FILES, locate_files
from scratchlm.corpus.sources.piece import InputShard, Piece
from scratchlm.corpus.sources.stdlib import stdlib_piece
from scratchlm.corpus.sources.streams import open_location

HEAD_BYTES = 2**16


def plan_inputs(
    sources: Sequence[SourceConfig],
    read: ReadConfig,
    cache: Path,
    receipt: Receipt,
    progress: Progress = SILENT,
    shard_bytes: int = SHARD_BYTES,
) -> list[InputShard]:
    """Shards of input by priority (the highest first), source and name.

    Pages are fetched and hashes remembered under `cache`. Large files of lines, text
    and Parquet are cut about every `shard_bytes`; small files share shards. What is
    left out is counted in `receipt`.

    Raises:
        UserError: two sources of one name; a source without paths, or without any
            file that can be read; a path, store or dataset that is not there.
    """
    _check_names(sources)
    hashes = Fingerprints(cache / "fingerprints.json")
    shards: list[InputShard] = []
    try:
        for source in sorted(sources, key=lambda source: -source.priority):
            own = Receipt()
            pieces = list(
                _pieces(source, cache, own, hashes, shard_bytes, progress),
            )
            receipt.add(own)
            if not pieces:
                why = own.main_reasons()
                raise UserError(
                    f"source {source.name!r} holds nothing to read"
                    f"{f' ({why})' if why else ''}; check its paths and patterns"
                )
            groups = group_pieces(pieces, shard_bytes)
            shards += [InputShard(source.name, group) for group in groups]
    finally:
        hashes.save()
    return shards


def _check_names(sources: Sequence[SourceConfig]) -> None:
    names = [source.name for source in sources]
    for source in sources:
        if names.count(source.name) > 1:
            raise UserError(
                f"two sources are called {source.name!r}; give each its own name"
            )
        if not source.paths:
            raise UserError(
                f"source {source.name!r} has no paths; name files, folders, URLs, a "
                f"dataset, or {STDLIB!r}"
            )


def _pieces(
    source: SourceConfig,
    cache: Path,
    receipt: Receipt,
    hashes: Fingerprints,
    cut_bytes: int,
    progress: Progress,
) -> Iterator[Piece]:
    """All pieces of a source, by name."""
    if STDLIB in source.paths:
        yield stdlib_piece(source.name)
    files = locate_files(source, cache, receipt, progress)
    step = receipt.step("files", "files", NAMED_FILES)
    units = [_unit(file, cut_bytes) for file in files]
    scans = hashes.scan_all(files, units, cut_bytes)
    total, done = sum(file.n_bytes for file in files), 0
    for file, unit, scan in zip(files, units, scans, strict=True):
        done += file.n_bytes
        progress.update(done, total, f"hashing {file.name}")
        if isinstance(scan, OSError):
            _count_unreadable(file, scan, step, source.name)
        else:
            yield from cut_file(file, scan, unit, cut_bytes, source.name)


def _unit(file: Located, cut_bytes: int) -> str | None:
    """Where a file may be cut; None for all but large ones."""
    if file.n_bytes <= cut_bytes:
        return None
    try:
        with open_location(file.location) as stream:
            return split_unit(file.name, stream.read(HEAD_BYTES))
    except OSError:
        return None  # the scan meets it again, and it is counted there


def _count_unreadable(file: Located, error: OSError, step: Step, source: str) -> None:
    reason = f"unreadable: {error.strerror or type(error).__name__}"
    step.drop(file.name, reason, file.n_bytes, source=source, failed=True)
