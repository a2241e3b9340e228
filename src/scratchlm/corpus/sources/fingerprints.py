"""Hashes of files, each made once: remembered by path, size, time and inode.

A file that was written to within two seconds of being hashed is hashed again next
time: a later change might not have moved its clock. The memory is a JSON file; where
it is damaged or absent, all is hashed anew and the result is the same.
"""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

from scratchlm.base.atomic import read_json, write_json
from scratchlm.base.errors import UserError
from scratchlm.corpus.sources.located import Located
from scratchlm.corpus.sources.scan import FileScan, Part, scan_lines, scan_row_groups
from scratchlm.corpus.sources.streams import open_location

VERSION = 1
UNSETTLED_S = 2.0
THREADS = 4
BATCH_FILES = 64
BATCH_BYTES = 4 * 2**20
BATCHES = 256  # handed out before the memory may be saved
SAVE_EVERY_S = 60.0

Key = list[Any]
_Batch = list[tuple[Located, str | None]]


class Fingerprints:
    """Scans files, or remembers having done so. `save` writes what it knows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, tuple[Key, FileScan]] = dict(_load(path))
        self._saved_s = time.monotonic()
        self._stop = Event()
        self.scanned: list[str] = []
        """Names of the files that had to be read."""

    def scan_all(
        self, files: Sequence[Located], units: Sequence[str | None], cut_bytes: int
    ) -> Iterator[FileScan | OSError]:
        """One scan a file, in order; an error for a file that cannot be read.

        Closing the iterator stops the threads in the middle of a file.
        """
        self._stop.clear()
        batches = _batches(list(zip(files, units, strict=True)))
        pool = ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1))
        try:
            while some := list(islice(batches, BATCHES)):
                for scans in pool.map(lambda each: self._try(each, cut_bytes), some):
                    yield from scans
                if time.monotonic() - self._saved_s > SAVE_EVERY_S:
                    self.save()  # who is killed shall not hash all again
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)

    def save(self) -> None:
        """Write the memory, if there is anything new."""
        if self.scanned:
            files = {
                place: [key, scan.fingerprint, [astuple(part) for part in scan.parts]]
                for place, (key, scan) in sorted(self._known.items())
            }
            write_json(self._path, {"version": VERSION, "files": files})
            self._saved_s = time.monotonic()

    def _try(self, batch: _Batch, cut_bytes: int) -> list[FileScan | OSError]:
        found: list[FileScan | OSError] = []
        for file, unit in batch:
            try:
                found.append(self._scan(file, unit, cut_bytes))
            except OSError as error:
                found.append(error)
        return found

    def _scan(self, file: Located, unit: str | None, cut_bytes: int) -> FileScan:
        key: Key = [file.n_bytes, *file.version, unit, cut_bytes]
        known = self._known.get(file.location)
        if known and known[0] == key:
            return known[1]
        scan = scan_location(file, unit, cut_bytes, self._stop)
        self.scanned.append(file.name)  # (one step: threads do not lose any)
        if file.version and not _is_unsettled(file) and _is_utf8(file.location):
            self._known[file.location] = (key, scan)
        return scan


def scan_location(
    file: Located, unit: str | None, cut_bytes: int, stop: Event | None = None
) -> FileScan:
    """Read a file once for its hash and its parts (twice for those of Parquet).

    Raises:
        OSError: it cannot be read, or `stop` was set.
    """
    token = file.token
    if token is not None and unit != "row_groups":
        return FileScan(token)
    with open_location(file.location) as stream:
        if token is None:
            lines = None if unit == "row_groups" else unit
            scan = scan_lines(stream, cut_bytes, lines, stop)
            if unit != "row_groups":
                return scan
            token = scan.fingerprint
            stream.seek(0)
        return scan_row_groups(stream, cut_bytes, token)


def _batches(files: _Batch) -> Iterator[_Batch]:
    """What one thread takes at a time: many small files, or one that is not small."""
    batch: _Batch = []
    n_bytes = 0
    for file, unit in files:
        batch.append((file, unit))
        n_bytes += file.n_bytes
        if len(batch) == BATCH_FILES or n_bytes > BATCH_BYTES:
            yield batch
            batch, n_bytes = [], 0
    yield batch


def _is_utf8(location: str) -> bool:
    """Can the name stand in a JSON file? One that cannot is not remembered."""
    return not any("\ud800" <= character <= "\udfff" for character in location)


def _is_unsettled(file: Located) -> bool:
    modified_ns = file.version[0]
    if not isinstance(modified_ns, int):
        return False
    return time.time_ns() - modified_ns < UNSETTLED_S * 1e9


def _load(path: Path) -> Iterator[tuple[str, tuple[Key, FileScan]]]:
    try:
        value = read_json(path)
        if value["version"] != VERSION:
            return
        for place, (key, fingerprint, parts) in value["files"].items():
            made = tuple(Part(*part) for part in parts)
            yield place, (key, FileScan(fingerprint, made))
    except (UserError, KeyError, TypeError, ValueError):
        return
