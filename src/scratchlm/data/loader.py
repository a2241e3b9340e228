"""Hand out a source's rows, batch after batch, in one process of one or of many.

    B rows a step over all ranks, R ranks, G rows handed out so far

Rank r of R takes the rows at G + r, G + r + R, … of the next B: whatever the number of
ranks and of workers, all together see the same rows in the same order. The cursor is
two integers and a fingerprint; it counts what was handed out, not what was prepared.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.errors import UserError
from scratchlm.data.batches import Batch, RowSource
from scratchlm.data.ordered import map_in_order


@dataclass(frozen=True)
class Cursor:
    """Where a run stands in its data."""

    fingerprint: str
    """Of the source."""
    seed: int
    """Of the order."""
    rows: int = 0
    """Rows handed out so far, over all ranks and epochs."""

    def to_json(self) -> dict[str, Any]:
        """The cursor as a JSON value."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> "Cursor":
        """Read what `to_json` gave.

        Raises:
            UserError: it is something else.
        """
        fields = value if isinstance(value, dict) else {}
        rows, seed = fields.get("rows"), fields.get("seed")
        known = type(rows) is int and type(seed) is int and rows >= 0
        if set(fields) != {"fingerprint", "seed", "rows"} or not known:
            raise UserError(
                f"{str(value)[:60]!r} is no position in data: resume from another "
                "checkpoint"
            )
        return cls(**fields)


class Loader:
    """An endless iterator over batches that can go on from a cursor.

    Args:
        source: the rows, in order.
        batch_size: B, over all ranks; may differ from that of the run resumed.
        rank: this process, 0 … world_size - 1.
        world_size: R; must divide B.
        workers: threads that prepare batches ahead; 0 prepares when asked.
        cursor: where to go on; None begins.

    Raises:
        UserError: R does not divide B; the cursor is of other data or another order.
    """

    def __init__(
        self,
        source: RowSource,
        batch_size: int,
        *,
        rank: int = 0,
        world_size: int = 1,
        workers: int = 0,
        cursor: Cursor | None = None,
    ) -> None:
        assert 0 <= rank < world_size
        if batch_size % world_size:
            raise UserError(
                f"a batch of {batch_size} rows cannot be shared by {world_size} "
                "processes: make it a multiple"
            )
        begin = Cursor(source.fingerprint, source.seed)
        self._cursor = cursor or begin
        _check_cursor(self._cursor, begin)
        self.source, self.batch_size = source, batch_size
        self.rank, self.world_size, self.workers = rank, world_size, workers
        self._batches = map_in_order(source.rows, self._places(), workers)

    @property
    def cursor(self) -> Cursor:
        """Where the next batch begins; the same on every rank after the same step."""
        return self._cursor

    @property
    def epoch(self) -> float:
        """How often all rows were handed out."""
        return self._cursor.rows / self.source.n_rows

    def __iter__(self) -> "Loader":
        return self

    def __next__(self) -> Batch:
        batch = next(self._batches)
        rows = self._cursor.rows + self.batch_size
        self._cursor = Cursor(self._cursor.fingerprint, self._cursor.seed, rows)
        return batch

    def close(self) -> None:
        """Give up what the workers prepare."""
        self._batches.close()

    def _places(self) -> Iterator[NDArray[np.int64]]:
        first = self._cursor.rows
        share = np.arange(self.rank, self.batch_size, self.world_size, dtype=np.int64)
        for step in count():
            yield first + step * self.batch_size + share


def _check_cursor(cursor: Cursor, begin: Cursor) -> None:
    if cursor.fingerprint != begin.fingerprint:
        raise UserError(
            "the position to resume from belongs to other data or rows: give the data "
            "and the context length of that run, or begin anew"
        )
    if cursor.seed != begin.seed:
        raise UserError(
            f"the position to resume from belongs to the order of seed {cursor.seed}, "
            f"not {begin.seed}: give that seed, or begin anew"
        )
