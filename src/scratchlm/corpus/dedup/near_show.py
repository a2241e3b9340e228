"""Clusters that can be opened and read: what went, because of what, how they differ."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from scratchlm.base.errors import UserError
from scratchlm.corpus.dedup.near_removal import DUPLICATES
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.rounds import Shard
from scratchlm.corpus.flow.table import Batch

SHOWN_LINES = 40


@dataclass(frozen=True)
class Member:
    """A removed document, and how alike the kept one is: shares of 1."""

    document: Document
    jaccard: float
    containment: float


@dataclass(frozen=True)
class NearCluster:
    """A kept document and all that went because of it, the likest first."""

    kept: Document
    removed: tuple[Member, ...]


def largest_clusters(out: Path, most: int = 20) -> list[tuple[str, str, int]]:
    """(source, id, how many went) of the kept documents with most duplicates.

    `out` is the directory of the step's last round.
    """
    table = pq.read_table(out / DUPLICATES, columns=["kept_source", "kept_id"])
    counts = table.group_by(["kept_source", "kept_id"]).aggregate([([], "count_all")])
    rows = zip(*(counts.column(i).to_pylist() for i in _places(counts)), strict=True)
    return sorted(rows, key=lambda row: (-row[2], row[0], row[1]))[:most]


def read_cluster(
    out: Path, shards: Sequence[Shard], source: str, document_id: str
) -> NearCluster:
    """The cluster in which a document, kept or removed, stands, with all texts.

    `shards` are those that the step saw, in their order.

    Raises:
        UserError: nothing went because of this document, nor did it go.
    """
    table = pq.read_table(out / DUPLICATES)
    for prefix in ("kept_", ""):
        is_named = pc.and_(
            pc.equal(table.column(f"{prefix}source"), source),
            pc.equal(table.column(f"{prefix}id"), document_id),
        )
        rows = table.filter(is_named)
        if len(rows):
            return _open(table, rows, shards)
    raise UserError(
        f"{document_id} of {source} stands in no cluster of near-duplicates; "
        "largest_clusters names those that there are"
    )


def show_cluster(cluster: NearCluster, lines: int = SHOWN_LINES) -> str:
    """The cluster as text: for each removed document what differs from the kept one."""
    parts = [f"kept     {cluster.kept.source}: {cluster.kept.id}"]
    for member in cluster.removed:
        parts.append(
            f"removed  {member.document.source}: {member.document.id}\n"
            f"         Jaccard {member.jaccard:.3f}, contained {member.containment:.3f}"
        )
        parts.append(_difference(cluster.kept.text, member.document.text, lines))
    return "\n".join(parts)


def _open(table: pa.Table, rows: pa.Table, shards: Sequence[Shard]) -> NearCluster:
    shard, row = (rows.column(name)[0].as_py() for name in ("kept_shard", "kept_row"))
    mine = pc.and_(
        pc.equal(table.column("kept_shard"), shard),
        pc.equal(table.column("kept_row"), row),
    )
    members = sorted(
        table.filter(mine).to_pylist(),
        key=lambda one: (-one["jaccard"], one["source"], one["id"]),
    )
    places = [(shard, row), *((one["shard"], one["row"]) for one in members)]
    found = _read(shards, places)
    removed = [
        Member(found[one["shard"], one["row"]], one["jaccard"], one["containment"])
        for one in members
    ]
    return NearCluster(found[shard, row], tuple(removed))


def _read(
    shards: Sequence[Shard], places: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Document]:
    found = {}
    for number in sorted({shard for shard, _ in places}):
        wanted = [row for shard, row in places if shard == number]
        for batch in shards[number].batches():
            taken = np.flatnonzero(np.isin(batch.rows, wanted))
            some = Batch(batch.rows[taken], batch.table.take(pa.array(taken)))
            for row, document in zip(some.rows.tolist(), some.documents(), strict=True):
                found[number, row] = document
    return found


def _difference(kept: str, removed: str, most: int) -> str:
    changes = difflib.unified_diff(
        kept.splitlines(), removed.splitlines(), "kept", "removed", lineterm="", n=0
    )
    shown = [line for line in changes if not line.startswith(("---", "+++"))]
    if len(shown) > most:
        shown = [*shown[:most], f"… {len(shown) - most} more lines"]
    return "\n".join(f"         {line}" for line in shown)


def _places(counts: pa.Table) -> list[int]:
    names = counts.schema.names
    return [names.index(name) for name in ("kept_source", "kept_id", "count_all")]
