"""Decisions: rows that go and bytes that are cut, as a small Parquet file a shard.

Columns: `row` (number in the shard), `begin` and `end` (bytes of the text as this
step saw it; -1 and -1 where the whole row goes), `reason`, `of` (what decided it:
the id of the kept document, of the evaluation item) and `value` (its true Jaccard
similarity, its share). Rows ascend, cuts of a row ascend and do not overlap. A cut of
no bytes changes nothing and stands on the receipt all the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scratchlm.base.atomic import atomic_path
from scratchlm.corpus.flow.table import Batch

WHOLE = -1
SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("begin", pa.int64()),
        ("end", pa.int64()),
        ("reason", pa.string()),
        ("of", pa.string()),
        ("value", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True, order=True)
class Decision:
    """One row goes (`begin` is `WHOLE`), or loses the bytes `begin .. end - 1`."""

    row: int
    begin: int = WHOLE
    end: int = WHOLE
    reason: str = ""
    of: str = ""
    value: float = 0.0

    @property
    def drops(self) -> bool:
        """Does the whole row go?"""
        return self.begin == WHOLE


def write_decisions(path: Path, decisions: Iterable[Decision]) -> None:
    """Write a step's decisions on one shard, in order of the rows."""
    ordered = sorted(decisions)
    columns = {
        field.name: pa.array([getattr(d, field.name) for d in ordered], field.type)
        for field in SCHEMA
    }
    with atomic_path(path) as temporary:
        table = pa.table(columns, schema=SCHEMA)
        pq.write_table(table, temporary, compression="zstd", version="2.6")


def read_decisions(path: Path) -> list[Decision]:
    """What `write_decisions` wrote."""
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return [Decision(**row) for row in rows]


class Applied:
    """The decisions of several steps, ready to be applied to batches of a shard."""

    def __init__(self, steps: Sequence[Path]) -> None:
        self._dropped: set[int] = set()
        self._cuts: list[dict[int, list[tuple[int, int]]]] = []
        for path in steps:
            cuts: dict[int, list[tuple[int, int]]] = defaultdict(list)
            for decision in read_decisions(path):
                if decision.drops:
                    self._dropped.add(decision.row)
                else:
                    cuts[decision.row].append((decision.begin, decision.end))
            self._cuts.append(cuts)
        self._gone = np.array(sorted(self._dropped), dtype=np.int64)
        self._touched = {row for cuts in self._cuts for row in cuts}

    def apply(self, batch: Batch) -> Batch:
        """The rows that stay, with what is left of their texts."""
        keep = ~np.isin(batch.rows, self._gone)
        if not keep.all():
            table = batch.table.filter(pa.array(keep))
            batch = Batch(batch.rows[keep], table)
        if "text" not in batch.table.schema.names or not len(batch):
            return batch
        if self._touched.isdisjoint(batch.rows.tolist()):
            return batch
        texts = [
            self._cut(row, text)
            for row, text in zip(batch.rows.tolist(), batch.column("text"), strict=True)
        ]
        place = batch.table.schema.get_field_index("text")
        table = batch.table.set_column(
            place, "text", pa.array(texts, pa.large_string())
        )
        return Batch(batch.rows, table)

    def _cut(self, row: int, text: str) -> str:
        for cuts in self._cuts:
            if row in cuts:
                text = cut_text(text, cuts[row])
        return text


def cut_text(text: str, cuts: Sequence[tuple[int, int]]) -> str:
    """Remove stretches of UTF-8 bytes, given as (begin, end) in ascending order."""
    data, kept, at = text.encode("utf-8"), [], 0
    for begin, end in cuts:
        assert at <= begin <= end <= len(data), "cuts ascend and do not overlap"
        kept.append(data[at:begin])
        at = end
    return b"".join([*kept, data[at:]]).decode("utf-8")
