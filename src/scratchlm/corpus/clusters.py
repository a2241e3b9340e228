"""Clusters of near-duplicates that were found by a build: named, and opened.

The build leaves `clusters.json` in its work directory: where the step lies, and the
shards as the step saw them. So a cluster can be read with all its texts, those that
went included, for as long as the work directory is kept.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import read_json, write_json
from scratchlm.base.errors import UserError
from scratchlm.corpus.dedup.near_show import (
    NearCluster,
    largest_clusters,
    read_cluster,
)
from scratchlm.corpus.flow.rounds import Shard

CLUSTERS = "clusters.json"


def write_clusters(work: Path, out: Path, view: Sequence[Mapping[str, Any]]) -> None:
    """Say where the step lies (`out`) and what it saw (`Flow.view` before it)."""
    value = {"out": out.relative_to(work).as_posix(), "shards": list(view)}
    write_json(work / CLUSTERS, value)


class Clusters:
    """The clusters of one build.

    Raises:
        UserError: the work directory is gone, or nothing was looked for.
    """

    def __init__(self, work: Path) -> None:
        if not (work / CLUSTERS).exists():
            raise UserError(
                f"{work} holds no clusters; build the corpus again, with "
                "dedup.near.enabled=true, and keep its work directory"
            )
        value = read_json(work / CLUSTERS)
        self._out = work / value["out"]
        self._shards = [
            Shard(
                number,
                entry["source"],
                work / entry["documents"],
                tuple(p for name in entry["decisions"] if (p := work / name).exists()),
            )
            for number, entry in enumerate(value["shards"])
        ]

    def largest(self, most: int) -> list[tuple[str, str, int]]:
        """(source, id, how many went) of the kept documents with most duplicates."""
        sources = {shard.source for shard in self._shards}
        found = largest_clusters(self._out, most + 1)  # one may be the canary's
        return [row for row in found if row[0] in sources][:most]

    def read(self, document_id: str, source: str | None = None) -> NearCluster:
        """The cluster in which a document, kept or removed, stands.

        Raises:
            UserError: it stands in none.
        """
        names = sorted({shard.source for shard in self._shards})
        for name in names if source is None else [source]:
            try:
                return read_cluster(self._out, self._shards, name, document_id)
            except UserError:
                continue
        raise UserError(
            f"{document_id} stands in no cluster of near-duplicates; corpus stats "
            "--clusters 20 names the largest"
        )
