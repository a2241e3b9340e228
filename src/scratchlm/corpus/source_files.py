"""A person's own files as documents.

One document a text file, page, book or message, one a row of json, jsonl, csv and
parquet. What cannot be read is dropped with its reason and the rest goes on: of a file
that is damaged, the rows before the damage are kept.
"""

from collections.abc import Iterator
from dataclasses import replace

from scratchlm.base.progress import SILENT, Progress
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.document import Document
from scratchlm.corpus.readers.account import NAMED_FILES, Account
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.readers.pieces import Reading, read_piece
from scratchlm.corpus.readers.workers import ExtractWorkers
from scratchlm.corpus.receipt import Receipt, Step
from scratchlm.corpus.sources.piece import Piece
from scratchlm.corpus.walk import FoundFile, find_files


def collect_files(
    config: CorpusConfig, receipt: Receipt, progress: Progress = SILENT
) -> Iterator[Document]:
    """Documents of all files under `config.paths`, in the order of their names.

    The files are found at once and read as the iterator is.

    Raises:
        UserError: one of the paths does not exist.
    """
    files = receipt.step("files", "files", NAMED_FILES)
    found = find_files(config.paths, files)
    return _read_files(config, found, files, receipt, progress)


def _read_files(
    config: CorpusConfig,
    found: list[FoundFile],
    files: Step,
    receipt: Receipt,
    progress: Progress,
) -> Iterator[Document]:
    total, done = sum(file.n_bytes for file in found), 0
    read = ReadConfig(
        max_unpacked_bytes=config.max_file_bytes,
        max_expansion=config.max_expansion,
        extract_timeout_s=config.html_timeout_s,
    )
    with ExtractWorkers(read) as workers:
        reading = Reading(read, receipt, workers, text_field=config.text_field)
        Account(receipt, "")
        for file in found:
            progress.update(done, total, file.name)
            done += file.n_bytes
            if file.n_bytes > config.max_file_bytes:
                reason = f"larger than {config.max_file_bytes} bytes"
                files.drop(file.name, reason, file.n_bytes)
            else:
                root = file.name.partition("/")[0]
                yield from _read_file(file, replace(reading, source=root))


def _read_file(file: FoundFile, reading: Reading) -> Iterator[Document]:
    try:
        stream = file.path.open("rb")
    except OSError as error:
        account = Account(reading.receipt, reading.source)
        account.drop_file(file.name, f"unreadable: {error.strerror}", file.n_bytes)
        return
    with stream:
        piece = Piece(file.name, "", file.n_bytes, "")
        yield from read_piece(piece, stream, reading)
