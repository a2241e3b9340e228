"""Texts that others may repeat, in a file that is read at any place."""

import os
from pathlib import Path

import numpy as np

from scratchlm.corpus.dedup.sorted_keys import Records
from scratchlm.corpus.dedup.substring_match import ReadText


class EarlierTexts:
    """Keeps the texts of `wanted` rows, (N, 2) of place and row in ascending order.

    In memory are 32 bytes for each, and no text.
    """

    def __init__(self, path: Path, wanted: Records) -> None:
        self._file = path.open("w+b", buffering=0)
        places, begins = np.unique(wanted[:, 0], return_index=True)
        rows = np.split(wanted[:, 1].astype(np.int64), begins)[1:]
        self._rows = dict(zip(places.tolist(), rows, strict=True))
        self._spans = {
            place: np.zeros((len(rows), 2), np.int64)
            for place, rows in self._rows.items()
        }
        self._size = 0

    def __enter__(self) -> "EarlierTexts":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def holds(self, place: int) -> bool:
        """Is any row of a shard wanted?"""
        return place in self._rows

    def offer(self, place: int, row: int, text: bytes) -> None:
        """Keep a text if it is wanted."""
        rows = self._rows.get(place)
        number = 0 if rows is None else int(np.searchsorted(rows, row))
        if rows is None or number == len(rows) or rows[number] != row:
            return
        self._spans[place][number] = self._size, len(text)
        self._file.write(text)
        self._size += len(text)

    def reader(self, place: int, row: int) -> ReadText:
        """Reads stretches of a text that was kept."""
        number = np.searchsorted(self._rows[place], row)
        first, length = self._spans[place][number].tolist()
        descriptor = self._file.fileno()

        def read(begin: int, end: int) -> bytes:
            n_bytes = min(end, length) - begin
            return os.pread(descriptor, n_bytes, first + begin) if n_bytes > 0 else b""

        return read
