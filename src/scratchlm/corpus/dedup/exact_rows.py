"""What is known of the rows of a shard without reading it: their names and sizes.

A shard's first round writes three files, a round for the corpus reads them where it
needs them: `row_bytes.npy` and `id_ends.npy` (rows as written,) and `ids.bin`.
"""

from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.flow.table import Batch


class RowWriter:
    """Collects the names and sizes of the rows of one shard."""

    def __init__(self, directory: Path, n_rows: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._n_bytes = np.zeros(n_rows, np.int64)
        self._id_bytes = np.zeros(n_rows, np.int64)
        self._ids = (directory / "ids.bin").open("wb")

    def __enter__(self) -> "RowWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def add(self, batch: Batch) -> None:
        """Note the rows of a batch; batches come in order. Texts are optional."""
        names = [name.encode("utf-8") for name in batch.column("id")]
        self._ids.write(b"".join(names))
        self._id_bytes[batch.rows] = [len(name) for name in names]
        if "text" in batch.table.schema.names:
            self._n_bytes[batch.rows] = np.diff(batch.utf8()[1])

    def close(self) -> None:
        """Write what was noted."""
        self._ids.close()
        np.save(self._directory / "row_bytes.npy", self._n_bytes)
        np.save(self._directory / "id_ends.npy", np.cumsum(self._id_bytes))


class Rows:
    """The rows of one shard, as `RowWriter` left them; nothing is held in memory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __len__(self) -> int:
        return len(np.load(self._directory / "row_bytes.npy", mmap_mode="r"))

    def n_bytes(self) -> NDArray[np.int64]:
        """UTF-8 bytes of the texts, 0 for rows that were dropped before: (N,)."""
        sizes: NDArray[np.int64] = np.load(self._directory / "row_bytes.npy")
        return sizes

    def ids(self, rows: NDArray[np.int64]) -> list[str]:
        """The ids of some rows."""
        ends = np.load(self._directory / "id_ends.npy", mmap_mode="r")
        with (self._directory / "ids.bin").open("rb") as file:
            return [self._read(file, ends, row) for row in rows.tolist()]

    @staticmethod
    def _read(file: BinaryIO, ends: NDArray[np.int64], row: int) -> str:
        begin = int(ends[row - 1]) if row else 0
        file.seek(begin)
        return file.read(int(ends[row]) - begin).decode("utf-8")
