"""Clusters of alike documents, so that a split parts none of them.

Looser than removal (J 0.5 by default) and transitive over verified pairs: here a
document that stayed is no worse for having company. A cluster is called after its
first document, by priority, length, content and id; who is alone is not listed.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scratchlm.corpus.dedup.near import find_near_duplicates
from scratchlm.corpus.dedup.near_config import ClusterConfig
from scratchlm.corpus.dedup.near_groups import (
    Ranked,
    join_labels,
    rank_candidates,
    verified_pairs,
)
from scratchlm.corpus.dedup.near_rounds import SHARED_ROUNDS, near_settings
from scratchlm.corpus.dedup.words import Indices
from scratchlm.corpus.flow.decisions import write_decisions
from scratchlm.corpus.flow.rounds import CorpusStep, CorpusWork, Round, decisions_path

SCHEMA = pa.schema([("row", pa.int64()), ("cluster", pa.string())])
SEPARATOR = "\x1f"


def cluster_step(config: ClusterConfig) -> CorpusStep:
    """Find clusters; nothing is decided about any document."""
    return CorpusStep(
        "clusters", config, (*SHARED_ROUNDS, Round("link", "corpus", link))
    )


def link(work: CorpusWork) -> None:
    """Write clusters/00000.parquet …: row and cluster of those that have company."""
    ranked = rank_candidates(work)
    labels = np.arange(len(ranked))
    for pairs in verified_pairs(ranked, near_settings(work.config), link=True):
        labels = join_labels(labels, pairs.later, pairs.earlier)
    sizes = np.bincount(labels, minlength=len(labels))
    listed = np.flatnonzero(sizes[labels] > 1)
    (work.out / "clusters").mkdir(parents=True, exist_ok=True)
    for shard in range(len(work.shards)):
        mine = listed[ranked.shard[listed] == shard]
        mine = mine[np.argsort(ranked.row[mine])]
        _write_clusters(clusters_path(work.out, shard), ranked, mine, labels)
        write_decisions(decisions_path(work.out, shard), [])


def clusters_path(out: Path, shard: int) -> Path:
    """Where the clusters of a shard's rows stand."""
    return out / "clusters" / f"{shard:05d}.parquet"


def cluster_name(source: str, document_id: str) -> str:
    """What a cluster with this first document is called, or a lonely document's."""
    return f"{source}{SEPARATOR}{document_id}"


def read_clusters(out: Path, shard: int) -> dict[int, str]:
    """Row → cluster, of the rows that are not alone."""
    columns = pq.read_table(clusters_path(out, shard)).to_pydict()
    return dict(zip(columns["row"], columns["cluster"], strict=True))


def near_duplicate_clusters(
    texts: Sequence[str],
    threshold: float = 0.5,
    names: Sequence[str] | None = None,
    threads: int | None = None,
) -> list[int]:
    """For each text the position of the first text of its cluster; its own if alone."""
    config = ClusterConfig(threshold=threshold)
    pairs = find_near_duplicates(texts, config, names, link=True, threads=threads)
    left = np.array([pair.removed for pair in pairs], np.int64)
    right = np.array([pair.kept for pair in pairs], np.int64)
    found: list[int] = join_labels(np.arange(len(texts)), left, right).tolist()
    return found


def _write_clusters(
    path: Path, ranked: Ranked, members: Indices, labels: Indices
) -> None:
    names = [cluster_name(*ranked.name(labels[member])) for member in members.tolist()]
    table = pa.table([ranked.row[members], pa.array(names, pa.string())], schema=SCHEMA)
    pq.write_table(table, path, compression="zstd", version="2.6")
