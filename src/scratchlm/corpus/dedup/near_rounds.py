"""The rounds that near duplicates and clusters share: from shards to candidates.

    sign (shard)        keys of every document's bands, as sorted runs
    candidates (corpus) keys that two documents or more have: buckets
    sets (shard)        shingles of the documents that stand in any bucket

A shard does not know its number, so it finds its candidates by a name made of its
keys: shards with the same keys have the same candidates. N: entries.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scratchlm.base.atomic import read_json, write_json, write_text
from scratchlm.base.hashing import sha256_file, sha256_json
from scratchlm.corpus.dedup.minhash import band_keys
from scratchlm.corpus.dedup.near import content_key
from scratchlm.corpus.dedup.near_config import NearConfig
from scratchlm.corpus.dedup.shingles import Texts, as_list, shingle_sets
from scratchlm.corpus.dedup.sorted_keys import (
    Records,
    RunWriter,
    group_starts,
    merge_runs,
    runs_in,
    whole_groups,
)
from scratchlm.corpus.dedup.words import Indices
from scratchlm.corpus.flow.rounds import CorpusWork, Round, ShardWork
from scratchlm.corpus.flow.table import Batch

KEYS, NAME, ENTRIES, BUCKETS = "keys", "name.txt", "entries", "buckets.json"
SETS, INDEX = "sets.bin", "index.parquet"
INDEX_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("id", pa.string()),
        ("n_bytes", pa.int64()),
        ("content", pa.uint64()),
        ("n_shingles", pa.int64()),
    ]
)


def near_settings(config: Any) -> NearConfig:
    """The settings of a round: the step's own, or the `clusters` of a larger one."""
    settings = config if isinstance(config, NearConfig) else config.clusters
    assert isinstance(settings, NearConfig)
    return settings


def sign(work: ShardWork) -> None:
    """Write the keys of a shard's documents as sorted runs of (key, row)."""
    config = near_settings(work.config)
    with RunWriter(work.out / KEYS, 2) as runs:
        for batch in work.shard.batches(("text",)):
            texts = _without_giants(batch, config.max_document_bytes)
            keys, counts = band_keys(texts, config.bands, config.rows)
            worded = np.flatnonzero(counts)
            records = np.empty((len(worded) * config.bands, 2), np.uint64)
            records[:, 0] = keys[worded].ravel()
            records[:, 1] = np.repeat(batch.rows[worded], config.bands)
            runs.add(records)
    hashes = [sha256_file(path) for path in runs_in(work.out / KEYS)]
    write_text(work.out / NAME, sha256_json(hashes))


def find_candidates(work: CorpusWork) -> None:
    """Number the buckets in order of their keys, and tell each shard its entries."""
    signed = work.earlier["sign"]
    names = [shard_name(directory) for directory in signed]
    (work.out / ENTRIES).mkdir(parents=True, exist_ok=True)
    runs = [runs_in(directory / KEYS) for directory in signed]
    blocks = merge_runs(runs, 2, 1, work.memory_bytes)
    n_buckets = 0
    for block in whole_groups(blocks, 1):
        starts = group_starts(block, 1)
        sizes = np.diff(np.append(starts, len(block)))
        buckets = np.cumsum(sizes > 1) + (n_buckets - 1)
        n_buckets += int(np.count_nonzero(sizes > 1))
        shared = np.repeat(sizes > 1, sizes)
        block[:, 0] = np.repeat(buckets, sizes)
        _append(work.out, names, block[shared])
    write_json(work.out / BUCKETS, {"n_buckets": n_buckets})


def make_sets(work: ShardWork) -> None:
    """Write the sorted shingles of a shard's candidates, and what ranks them."""
    name = shard_name(work.earlier["sign"])
    rows = np.unique(read_entries(work.earlier["candidates"], name)[:, 1])
    work.out.mkdir(parents=True, exist_ok=True)
    with (
        (work.out / SETS).open("wb") as sets,
        pq.ParquetWriter(work.out / INDEX, INDEX_SCHEMA) as index,
    ):
        for batch in work.shard.batches(("id", "text")) if len(rows) else ():
            taken = np.flatnonzero(np.isin(batch.rows, rows))
            if len(taken):
                table = batch.table.take(pa.array(taken))
                some = Batch(batch.rows[taken], table)
                hashes, offsets = shingle_sets(some.utf8())
                sets.write(hashes.astype("<u8").tobytes())
                index.write_batch(_index_rows(some, np.diff(offsets)))


def shard_name(signed: Path) -> str:
    """The name that a shard's keys give it."""
    return (signed / NAME).read_text(encoding="utf-8")


def read_entries(candidates: Path, name: str) -> NDArray[np.int64]:
    """A shard's entries (N, 2): bucket and row, ascending by bucket."""
    path = candidates / ENTRIES / f"{name}.bin"
    if not path.exists():
        return np.zeros((0, 2), np.int64)
    return np.fromfile(path, "<i8").reshape(-1, 2)


def count_buckets(candidates: Path) -> int:
    """How many buckets there are."""
    n_buckets: int = read_json(candidates / BUCKETS)["n_buckets"]
    return n_buckets


SHARED_ROUNDS = (
    Round("sign", "shard", sign),
    Round("candidates", "corpus", find_candidates),
    Round("sets", "shard", make_sets),
)


def _without_giants(batch: Batch, most: int) -> Texts:
    data, offsets = batch.utf8()
    if np.diff(offsets).max(initial=0) <= most:
        return data, offsets
    texts = [text if len(text) <= most else b"" for text in as_list((data, offsets))]
    joined = np.frombuffer(b"".join(map(_as_bytes, texts)), np.uint8)
    lengths = [len(text) for text in texts]
    return joined, np.cumsum([0, *lengths])


def _as_bytes(text: str | bytes) -> bytes:
    assert isinstance(text, bytes)
    return text


def _append(out: Path, names: list[str], block: Records) -> None:
    """Add (bucket, shard, row) records to the files of their shards; one of several
    shards with one name stands for all of them."""
    first = {name: shard for shard, name in reversed(list(enumerate(names)))}
    block = block[np.argsort(block[:, 1], kind="stable")]
    shards, begins = np.unique(block[:, 1], return_index=True)
    for shard, mine in zip(shards.tolist(), np.split(block, begins[1:]), strict=False):
        if first[names[shard]] == shard:
            with (out / ENTRIES / f"{names[shard]}.bin").open("ab") as file:
                file.write(mine[:, [0, 2]].astype("<i8").tobytes())


def _index_rows(batch: Batch, n_shingles: Indices) -> pa.RecordBatch:
    texts = [_as_bytes(text) for text in as_list(batch.utf8())]
    columns = [
        batch.rows,
        batch.table.column("id"),
        [len(text) for text in texts],
        pa.array([content_key(text) for text in texts], pa.uint64()),
        n_shingles,
    ]
    return pa.record_batch(columns, schema=INDEX_SCHEMA)
