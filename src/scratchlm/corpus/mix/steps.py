"""The step that assigns: clusters → sizes (shard) → assign (corpus).

`assignment/00000.parquet` … say of the rows of each shard how many copies are written
and to which side; rows that are not listed are not in the mix. `mix.json` says what
each source was to give and gave. Held-out documents are written once, whatever the mix.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scratchlm.base.atomic import write_json
from scratchlm.base.config import Config
from scratchlm.base.errors import UserError
from scratchlm.corpus.dedup.near_clusters import (
    cluster_name,
    cluster_step,
    read_clusters,
)
from scratchlm.corpus.dedup.near_config import ClusterConfig
from scratchlm.corpus.dedup.words import Hashes, Indices
from scratchlm.corpus.flow.rounds import CorpusStep, CorpusWork, Round, ShardWork
from scratchlm.corpus.mix.config import MixConfig, SplitConfig
from scratchlm.corpus.mix.quotas import (
    effective_bytes,
    mix_quotas,
    read_weights,
    repetition_warnings,
)
from scratchlm.corpus.mix.select import Rows, find_limit
from scratchlm.corpus.mix.split import (
    Clusters,
    choose_heldout,
    choose_one,
    count_clusters,
    key_limit,
    name_key,
)
from scratchlm.corpus.sources.config import SourceConfig

MIX = "mix.json"
NOTHING_HELD_OUT = (
    "nothing is held out: there is one document only, or all of them are alike; give "
    "more varied text, or --ask to cut documents into sections"
)
SCHEMA = pa.schema([("row", pa.int64()), ("copies", pa.int32()), ("side", pa.string())])
COLUMNS = ("rows", "sizes", "mix_keys", "split_keys")


class AssignTask(Config):
    """The configuration of the rounds, weights and epochs by source."""

    mix: MixConfig
    """Shares; `weight_file` is read already."""
    split: SplitConfig
    """The held-out share."""
    weights: dict[str, float]
    """By source, where it has one."""
    epochs: dict[str, float]
    """By source, where it has them."""

    @property
    def clusters(self) -> ClusterConfig:
        """What the rounds that find clusters read."""
        return self.split.clusters


def assign_step(
    mix: MixConfig, split: SplitConfig, sources: Sequence[SourceConfig]
) -> CorpusStep:
    """The step for these sources.

    Raises:
        UserError: the weight file cannot be used, or a source has weight and epochs.
    """
    weights = {s.name: s.weight for s in sources if s.weight is not None}
    epochs = {s.name: s.epochs for s in sources if s.epochs is not None}
    if mix.weight_file is not None:
        names = [source.name for source in sources]
        weights |= read_weights(Path(mix.weight_file).expanduser(), names)
    both = sorted(set(weights) & set(epochs))
    if both:
        raise UserError(
            f"the source {both[0]} has a weight and epochs; leave one of them out"
        )
    mix = mix.model_copy(update={"weight_file": None})
    task = AssignTask(mix=mix, split=split, weights=weights, epochs=epochs)
    return CorpusStep(
        "assign",
        task,
        (
            *(cluster_step(split.clusters).rounds if _finds_clusters(split) else ()),
            Round("sizes", "shard", measure),
            Round("assign", "corpus", assign),
        ),
    )


def measure(work: ShardWork) -> None:
    """Round "sizes": of each row its bytes, and the hashes that decide about it."""
    task: AssignTask = work.config
    work.out.mkdir(parents=True, exist_ok=True)
    rows, sizes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    keys: list[tuple[int, int]] = []
    for batch in work.shard.batches(("id", "text")):
        rows.append(batch.rows)
        sizes.append(np.diff(batch.utf8()[1]))
        for name in batch.column("id"):
            whole = cluster_name(work.shard.source, name)
            mixed = name_key(task.mix.seed, "mix", whole)
            keys.append((mixed, name_key(task.split.seed, "split", whole)))
    both = np.array(keys, np.uint64).reshape(-1, 2)
    arrays = (np.concatenate(rows), np.concatenate(sizes), both[:, 0], both[:, 1])
    for column, array in zip(COLUMNS, arrays, strict=True):
        np.save(work.out / f"{column}.npy", np.ascontiguousarray(array))


def assign(work: CorpusWork) -> None:
    """Round "assign": copies and side of every row, and an account of the mix."""
    task: AssignTask = work.config
    shards = [
        _ShardRows(work, task, number, shard.source)
        for number, shard in enumerate(work.shards)
    ]
    heldout = _heldout(task, shards)
    sources = sorted({shard.source for shard in shards})
    counts = {source: _count(shards, source, heldout) for source in sources}
    sizes = {source: count["n_bytes"] for source, count in counts.items()}
    quotas = mix_quotas(
        sizes, task.weights, task.epochs, task.mix.alpha, task.mix.total_bytes
    )
    plans = {
        source: _plan(shards, source, heldout, sizes[source], quotas[source])
        for source in sources
    }
    written = dict.fromkeys(sources, 0)
    (work.out / "assignment").mkdir(parents=True, exist_ok=True)
    for number, shard in enumerate(shards):
        path = work.out / "assignment" / f"{number:05d}.parquet"
        written[shard.source] += _write(path, shard, heldout, plans[shard.source])
    account = {s: _account(counts[s], quotas[s], written[s]) for s in sources}
    warnings = repetition_warnings(sizes, quotas, task.mix.warn_above_epochs)
    warnings += [
        f"{name} has a weight and no text is left of it"
        for name in sorted(set(task.weights) | set(task.epochs))
        if not sizes.get(name)
    ]
    if task.split.heldout_frac and not len(heldout):
        warnings.append(NOTHING_HELD_OUT)
    total = sum(quotas.values())
    value = {"total_bytes": total, "sources": account, "warnings": warnings}
    write_json(work.out / MIX, value)


@dataclass(frozen=True)
class _Plan:
    """Copies of every row of a source, and the key below which there is one more."""

    whole: int
    limit: int


class _ShardRows:
    """The rows of one shard, read from the disk when they are asked for."""

    def __init__(
        self, work: CorpusWork, task: AssignTask, number: int, source: str
    ) -> None:
        self.source = source
        self._measured = work.earlier["sizes"][number]
        self._number, self._seed = number, task.split.seed
        finds = _finds_clusters(task.split)
        self._clusters = work.earlier["link"][number] if finds else None

    def column(self, name: str) -> Any:
        """One of rows, sizes, mix_keys: (N,)."""
        return np.load(self._measured / f"{name}.npy")

    def cluster_keys(self) -> Hashes:
        """The hash of each row's cluster (N,)."""
        keys: Hashes = self.column("split_keys")
        if self._clusters is not None:
            listed = read_clusters(self._clusters, self._number)
            rows = np.array(list(listed), np.int64)
            names = [name_key(self._seed, "split", name) for name in listed.values()]
            rows_here = self.column("rows")
            places = np.searchsorted(rows_here, rows)
            assert (rows_here[places] == rows).all(), "clusters are of rows that are"
            keys[places] = np.array(names, np.uint64)
        return keys

    def train(self, heldout: Hashes) -> Rows:
        """Keys and sizes of the rows that are not held out."""
        stays = ~np.isin(self.cluster_keys(), heldout)
        return self.column("mix_keys")[stays], self.column("sizes")[stays]


def _finds_clusters(split: SplitConfig) -> bool:
    return split.heldout_frac > 0 and split.clusters.enabled


def _heldout(task: AssignTask, shards: Sequence[_ShardRows]) -> Hashes:
    """Keys of the clusters to hold out, ascending. A cluster's rows share its key."""
    share = task.split.heldout_frac
    total = sum(int(shard.column("sizes").sum()) for shard in shards)
    if not share or not total:
        return np.zeros(0, np.uint64)
    chosen = choose_heldout(_clusters(shards, key_limit(share)), share, total)
    if len(chosen):
        return chosen
    return choose_one(_clusters(shards, None), share, total)


def _clusters(shards: Sequence[_ShardRows], limit: np.uint64 | None) -> Clusters:
    """All clusters, or those with keys below the limit."""
    keys, sizes = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for shard in shards:
        found = shard.cluster_keys()
        below = slice(None) if limit is None else found < limit
        keys.append(found[below])
        sizes.append(shard.column("sizes")[below])
    return count_clusters(np.concatenate(keys), np.concatenate(sizes))


def _count(
    shards: Sequence[_ShardRows], source: str, heldout: Hashes
) -> dict[str, int]:
    names = ("documents", "n_bytes", "heldout_documents", "heldout_bytes")
    counts = dict.fromkeys(names, 0)
    for shard in shards:
        if shard.source == source:
            sizes: Indices = shard.column("sizes")
            _, trained = shard.train(heldout)
            counts["documents"] += len(trained)
            counts["n_bytes"] += int(trained.sum())
            counts["heldout_documents"] += len(sizes) - len(trained)
            counts["heldout_bytes"] += int(sizes.sum() - trained.sum())
    return counts


def _plan(
    shards: Sequence[_ShardRows], source: str, heldout: Hashes, size: int, quota: int
) -> _Plan:
    if not size:
        return _Plan(0, 0)
    whole, rest = divmod(quota, size)

    def rows() -> Iterator[Rows]:
        return (shard.train(heldout) for shard in shards if shard.source == source)

    return _Plan(whole, find_limit(rows, rest) if rest else 0)


def _write(path: Path, shard: _ShardRows, heldout: Hashes, plan: _Plan) -> int:
    """Write a shard's assignment; bytes that go to train."""
    rows, sizes = shard.column("rows"), shard.column("sizes")
    held = np.isin(shard.cluster_keys(), heldout)
    copies = np.full(len(rows), plan.whole, np.int32)
    if plan.limit:
        copies += shard.column("mix_keys") <= np.uint64(plan.limit - 1)
    copies[held] = 1
    listed = copies > 0
    side = np.where(held[listed], "heldout", "train").tolist()
    table = pa.table(
        [rows[listed], copies[listed], pa.array(side, pa.string())], schema=SCHEMA
    )
    pq.write_table(table, path, compression="zstd", version="2.6")
    return int((sizes * copies)[~held].sum())


def _account(counts: dict[str, int], quota: int, written: int) -> dict[str, Any]:
    size = counts["n_bytes"]
    epochs = written / size if size else 0.0
    return {
        **counts,
        "quota_bytes": quota,
        "written_bytes": written,
        "epochs": round(epochs, 4),
        "effective_bytes": round(effective_bytes(size, epochs)),
    }
