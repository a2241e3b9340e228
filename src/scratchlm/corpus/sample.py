"""What a build would do, seen from a sample of its input, and how long it would take.

Pieces are taken in the order of their hashes until they hold the wished share of the
bytes; where they hold more, their documents are thinned by the hash of their names.
Everything then runs as in a build. What single documents meet scales with the input;
duplicates do not: two copies are both in a sample of 1 % once in 10,000 times. Less
than 4 MB is not looked at, unless there is no more: a handful of documents says
nothing.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from scratchlm.base.progress import SILENT, Progress
from scratchlm.corpus.assemble import count_sides
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.flow.executor import build_executor, choose_workers
from scratchlm.corpus.flow.flow import Flow
from scratchlm.corpus.options import BuildOptions
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.piece import InputShard, Piece
from scratchlm.corpus.sources.plan import plan_inputs
from scratchlm.corpus.steps import build_steps, rule_names, rule_settings

LEAST_BYTES = 4 * 10**6


@dataclass(frozen=True)
class Sample:
    """Which part of the input is looked at."""

    shards: list[InputShard]
    keep: float
    """Share of their documents that is looked at."""
    share: float
    """Share of the input's bytes that this comes to."""


def inspect_sources(
    config: CorpusConfig,
    share: float,
    options: BuildOptions,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Run a build on a share of the input, write nothing, and say what was seen.

    Returns JSON: `input` (bytes, shards), `share`, `steps` as on a receipt, `result`
    (documents and bytes of the sample), `estimate` (the same for all of the input),
    `seconds` by stage for the sample, `estimated_s` for a whole build.

    Raises:
        UserError: as `build_corpus`.
    """
    sources = {source.name: source for source in config.all_sources()}
    receipt = Receipt()
    with tempfile.TemporaryDirectory() as folder:
        cache = (options.work or Path(folder)) / "cache"
        shards = plan_inputs(
            tuple(sources.values()), config.read, cache, receipt, progress
        )
        sample = choose_sample(shards, share)
        n_bytes = sum(shard.n_bytes for shard in sample.shards)
        workers = choose_workers(options.workers, options.memory_bytes, n_bytes)
        executor = build_executor(options.on, workers)
        flow = Flow(
            *(Path(folder), executor, options.memory_bytes, progress),
            canaries=options.canaries,
        )
        try:
            settings = {**rule_settings(config), "sample": sample.keep}
            flow.read(sample.shards, sources, settings, cache)
            for step in build_steps(config, sources):
                flow.decide(step)
            parts = flow.write()
        finally:
            executor.close()
        receipt.add(flow.receipt(rule_names(config)))
        steps = receipt.to_json()
        result = count_sides(parts, None)["train"]
        seconds = flow.graph.seconds
    scale = 1 / max(sample.share, 1e-12)
    pieces = sample.keep / max(sample.share, 1e-12)
    return {
        "input": {
            "n_bytes": sum(shard.n_bytes for shard in shards),
            "n_shards": len(shards),
            "n_pieces": sum(len(shard.pieces) for shard in shards),
        },
        "share": sample.share,
        "steps": steps,
        "result": result,
        "estimate": estimate_result(steps, result, pieces),
        "seconds": {name: round(value, 3) for name, value in seconds.items() if name},
        "estimated_s": sum(seconds.values()) * scale,
    }


def estimate_result(
    steps: Sequence[Mapping[str, Any]], result: Mapping[str, int], scale: float
) -> dict[str, int]:
    """Documents and bytes that would stay of all: what stayed of the documents that
    were looked at, times all documents of the pieces that were read, times `scale`
    (bytes of the input for each byte of those pieces).
    """
    looked = next((step for step in steps if step["unit"] == "documents"), None)
    read = next((step for step in steps if step["step"] == "records"), None)
    shares = {"n_documents": 1.0, "n_bytes": 1.0}
    if looked and read and looked["in"] and looked["bytes_in"]:
        shares["n_documents"] = read["kept"] / looked["in"]
        shares["n_bytes"] = read["bytes_out"] / looked["bytes_in"]
    return {name: round(result[name] * shares[name] * scale) for name in shares}


def choose_sample(shards: Sequence[InputShard], share: float) -> Sample:
    """Pieces by their hashes, the fewest that hold `share` of the bytes."""
    total = sum(shard.n_bytes for shard in shards)
    wished = max(share * total, min(total, LEAST_BYTES))
    pieces = sorted(
        (_rank(shard.source, piece), number, place)
        for number, shard in enumerate(shards)
        for place, piece in enumerate(shard.pieces)
    )
    chosen: dict[int, list[int]] = {}
    taken = 0
    for _, number, place in pieces:
        if taken >= wished and chosen:
            break
        chosen.setdefault(number, []).append(place)
        taken += shards[number].pieces[place].n_bytes
    some = [
        replace(shards[n], pieces=tuple(shards[n].pieces[p] for p in sorted(places)))
        for n, places in sorted(chosen.items())
    ]
    keep = min(1.0, wished / taken) if taken else 1.0
    return Sample(some, keep, keep * taken / total if total else 1.0)


def _rank(source: str, piece: Piece) -> bytes:
    name = f"{source}\0{piece.name}\0{piece.begin}".encode("utf-8", "replace")
    return blake2b(name, digest_size=8).digest()
