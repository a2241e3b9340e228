"""Text to shards and shards to rows: how fast, and whether the laws hold on real text.

SCRATCHLM_SHARED=… python benchmarks/data_shards.py

At least 120 MB of text, cut into documents of log-normal length (median about 3,000
characters, sigma 1), as Parquet shards, is encoded with a vocabulary of 32,768 ids:
from memory and from Parquet, with one thread and with two, in turns. Builds are killed
(SIGKILL) and go on. Then the rows of all the documents: packed without loss, resumed at
every row of an epoch, shared by other numbers of ranks and workers, blended by weight.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import tokenizer_peers as peers
from timing import timed

TEXT_BYTES = 125_000_000
VOCABULARY_BYTES = 40_000_000
VOCABULARY = 32_768
MEDIAN_CHARS = 3_000
N_PARQUET = 4
SHARD_TOKENS = 1 << 22  # smaller than usual: more places where a kill can matter
REPEATS = 5
N_KILLS = 6
CONTEXT = 1024
BUILD = """
import sys
from pathlib import Path
from scratchlm.data import DataConfig, ParquetTexts, build_shards
from scratchlm.tokenizer import Tokenizer
folder, out, threads, shard_tokens = sys.argv[1:]
build_shards(
    DataConfig(shard_tokens=int(shard_tokens)),
    {"train": ParquetTexts(sorted(Path(folder).glob("*.parquet")))},
    Tokenizer.load(Path(folder) / "tokenizer.json"),
    Path(out),
    threads=int(threads),
)
status = Path("/proc/self/status").read_text()  # ru_maxrss knows the parent's too
print(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
"""


# ---- the text ----


def cut_documents(text: str) -> Iterator[str]:
    """Documents of many lengths, as pages of the web have, that end with a line."""
    at, draw = 0, random.Random(0)
    while at < len(text):
        n_chars = int(draw.lognormvariate(math.log(MEDIAN_CHARS), 1))
        end = text.find("\n", at + n_chars)
        end = len(text) if end < 0 else end + 1
        yield text[at:end]
        at = end


def write_text(folder: Path, n_bytes: int) -> tuple[list[str], str]:
    """The documents, also as Parquet shards and with a vocabulary; their hash."""
    from scratchlm.corpus.document import Document
    from scratchlm.corpus.flow.table import write_documents
    from scratchlm.tokenizer import TokenizerConfig, WordCounts, train_from_counts

    for name in ("killed", "packed256", f"packed{CONTEXT}", "packed4096"):
        shutil.rmtree(folder / name, ignore_errors=True)
    path = folder / "text"
    digest = peers.write_corpus(path, n_bytes)
    data = path.read_bytes()
    counts = WordCounts()
    counts.add(data[:VOCABULARY_BYTES])
    tokenizer = train_from_counts(TokenizerConfig(vocab_size=VOCABULARY), counts)
    tokenizer.save(folder / "tokenizer.json")
    docs = list(cut_documents(data.decode()))
    rows = [Document(f"{i:07d}", text, "text") for i, text in enumerate(docs)]
    size = -(-len(rows) // N_PARQUET)
    for part in range(N_PARQUET):
        some = rows[part * size : (part + 1) * size]
        write_documents(folder / f"{part:05d}.parquet", some)
    return docs, digest


# ---- speed ----


def measure_builds(
    folder: Path, docs: list[str], n_bytes: int
) -> tuple[list[dict[str, Any]], set[str]]:
    """Every source with every number of threads, in turns; the hashes of all."""
    from scratchlm.data import DataConfig, ParquetTexts, build_shards
    from scratchlm.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    paths = sorted(folder.glob("*.parquet"))
    config, out = DataConfig(shard_tokens=SHARD_TOKENS), folder / "speed"

    def encode_only(threads: int) -> None:
        for first in range(0, len(docs), 1_000):
            some = docs[first : first + 1_000]
            tokenizer.encode_batch_to_numpy(some, threads=threads)

    def build(source: str, threads: int) -> None:
        texts = docs if source == "memory" else ParquetTexts(paths)
        shutil.rmtree(out, ignore_errors=True)
        build_shards(config, {"train": texts}, tokenizer, out, threads=threads)

    cases: dict[str, Callable[[], None]] = {
        f"{source}_{threads}_threads": partial(work, *given)
        for threads in (1, 2)
        for source, work, given in (
            ("encoder", encode_only, (threads,)),
            ("memory", build, ("memory", threads)),
            ("parquet", build, ("parquet", threads)),
        )
    }
    runs: list[dict[str, Any]] = []
    hashes: set[str] = set()
    for repeat in range(REPEATS + 1):
        names = list(cases)
        for name in names[repeat % 6 :] + names[: repeat % 6]:
            wall_s, cpu_s = timed(cases[name])
            hashes |= {hash_folder(out)} if out.exists() else set()
            if repeat:  # the first warms
                runs.append(describe(name, wall_s, cpu_s, n_bytes))
    return runs, hashes


def describe(case: str, wall_s: float, cpu_s: float, n_bytes: int) -> dict[str, Any]:
    """One raw run; `cores` is how many the machine gave us."""
    return {
        "case": case,
        "wall_s": round(wall_s, 4),
        "cpu_s": round(cpu_s, 4),
        "cores": round(cpu_s / wall_s, 2),
        "mb_per_s": round(n_bytes / wall_s / 1e6, 2),
    }


def hash_folder(folder: Path) -> str:
    """Hash of names and bytes."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def median_rate(runs: list[dict[str, Any]], case: str) -> float:
    """Megabytes a second."""
    return statistics.median(r["mb_per_s"] for r in runs if r["case"] == case)


def rate_share(runs: list[dict[str, Any]], case: str, other: str) -> float:
    """The median over the turns of one case's speed over the other's.

    Where the machine's speed drifts, what ran side by side is compared.
    """
    pairs = zip(
        (r["mb_per_s"] for r in runs if r["case"] == case),
        (r["mb_per_s"] for r in runs if r["case"] == other),
        strict=True,
    )
    return statistics.median(ours / theirs for ours, theirs in pairs)


# ---- kills ----


def start_build(folder: Path, out: Path, threads: int) -> subprocess.Popen[bytes]:
    """Build in a process of its own."""
    arguments = [folder, out, threads, SHARD_TOKENS]
    command = [sys.executable, "-c", BUILD, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def measure_memory(folder: Path) -> int:
    """Peak bytes of a whole build from Parquet in a process of its own."""
    process = start_build(folder, folder / "memory", 2)
    output, _ = process.communicate()
    assert process.returncode == 0
    return int(output)


def kill_builds(folder: Path, out: Path, build_s: float) -> list[dict[str, Any]]:
    """Kill a build at random moments, other threads each time, then let it end."""
    draw, runs = random.Random(0), []
    for number in range(N_KILLS):
        process = start_build(folder, out, 1 + number % 3)
        time.sleep(draw.uniform(0.1, 0.7) * build_s)
        ended = process.poll() is not None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        n_shards = len(list(out.glob("*_0*.bin"))) if out.exists() else 0
        runs.append({"case": "kill", "shards": n_shards, "too_late": ended})
    process = start_build(folder, out, 2)
    process.communicate()
    assert process.returncode == 0
    return runs


# ---- rows ----


def row_hashes(batch: Any) -> list[bytes]:
    """One a row."""
    arrays = [np.ascontiguousarray(batch[name]) for name in sorted(batch)]
    return [
        hashlib.blake2b(b"".join(a[i].tobytes() for a in arrays)).digest()
        for i in range(len(arrays[0]))
    ]


def take(loader: Any, n_batches: int) -> list[bytes]:
    """The hashes of some batches."""
    found = [h for batch in islice(loader, n_batches) for h in row_hashes(batch)]
    loader.close()
    return found


def order_of(source: Any, n_rows: int) -> list[bytes]:
    """The hashes of the first rows, asked for in one go."""
    return [
        value
        for first in range(0, n_rows, 256)
        for value in row_hashes(
            source.rows(np.arange(first, min(first + 256, n_rows), dtype=np.int64))
        )
    ]


def check_resume(source: Any, expected: list[bytes]) -> dict[str, int]:
    """Wrong rows after resuming: once at every row of an epoch, then twice."""
    from scratchlm.data import Cursor, Loader

    start = Loader(source, 1).cursor
    once = 0
    for row in range(source.n_rows):
        cursor = Cursor(start.fingerprint, start.seed, row)
        once += take(Loader(source, 1, cursor=cursor), 1) != expected[row : row + 1]
    twice = 0
    for row in {0, 1, source.n_rows // 2, source.n_rows - 2, source.n_rows - 1}:
        first = Loader(source, 1, cursor=Cursor(start.fingerprint, start.seed, row))
        next(first)
        second = Loader(source, 1, cursor=first.cursor)
        twice += row_hashes(next(second)) != expected[row + 1 : row + 2]
        third = Loader(source, 1, cursor=second.cursor)
        twice += row_hashes(next(third)) != expected[row + 2 : row + 3]
    return {"once": once, "twice": twice, "rows": source.n_rows}


def check_ranks(source: Any, expected: list[bytes]) -> int:
    """Wrong orders among other numbers of ranks and workers, resumed in between."""
    from scratchlm.data import Loader

    wrong, cursor, at = 0, None, 0
    for world_size, workers, batch_size in [
        (1, 0, 48),
        (2, 1, 48),
        (3, 0, 24),
        (8, 2, 64),
        (4, 3, 32),
        (1, 4, 7),
    ]:
        loaders = [
            Loader(
                source,
                batch_size,
                rank=rank,
                world_size=world_size,
                workers=workers,
                cursor=cursor,
            )
            for rank in range(world_size)
        ]
        shares = [take(loader, 20) for loader in loaders]
        seen = [value for rows in zip(*shares, strict=True) for value in rows]
        wrong += seen != expected[at : at + len(seen)]
        at += len(seen)
        cursor = loaders[-1].cursor
        wrong += cursor.rows != at
    return wrong


def check_coverage(store: Any, packing: Any) -> int:
    """Pairs of documents that do not stand in exactly one row."""
    seen = np.zeros(len(store), np.uint8)
    offsets = np.asarray(store.document_offsets)
    for row in range(packing.n_rows):
        for document, start, length in packing.pieces_of(row).tolist():
            seen[offsets[document] + start :][:length] += 1
    seen[offsets[1:] - 1] += 1  # a document's last token foretells nothing
    return int((seen != 1).sum())


def check_rows(folder: Path, result: Any) -> None:
    """All laws of rows, and how fast they come."""
    from scratchlm.data import (
        Blend,
        PackedBatches,
        TokenBatches,
        TokenStore,
        pack_documents,
        quotas_of_weights,
    )

    store = TokenStore.open(folder / "speed", "train")
    for length in (256, CONTEXT, 4096):
        target = folder / f"packed{length}"
        wall_s, cpu_s = timed(lambda n=length, to=target: pack_documents(store, n, to))
        packing = pack_documents(store, length, target)
        result.runs.append(
            {
                "case": f"pack_{length}",
                "wall_s": round(wall_s, 4),
                "cpu_s": round(cpu_s, 4),
                "million_tokens_per_s": round(len(store) / wall_s / 1e6, 1),
                "padding_frac": round(packing.padding_frac, 6),
                "rows": packing.n_rows,
            }
        )
        result.claim(f"padding_frac_{length}", "< 0.02", packing.padding_frac)
        result.claim(f"lost_pairs_{length}", "== 0", check_coverage(store, packing))
    packing = pack_documents(store, CONTEXT, folder / f"packed{CONTEXT}")
    packed = PackedBatches(store, packing, 32, seed=1)
    stream = TokenBatches(store, CONTEXT, 32, seed=2, separate=True)
    parts = {"packed": packed, "stream": stream}
    quotas = quotas_of_weights(parts, {"packed": 0.7, "stream": 0.3}, 10_007)
    sources = {
        "packed": packed,
        "stream": TokenBatches(store, CONTEXT, 32, seed=3),
        "blend": Blend(parts, quotas, 32, seed=4),
    }
    for name, source in sources.items():
        check_source(name, source, result)


def check_source(name: str, source: Any, result: Any) -> None:
    """One kind of rows."""
    wall_s, _ = timed(lambda: [source.batch(step) for step in range(100)])
    rate = 100 * 32 * CONTEXT / wall_s / 1e6
    result.runs.append({"case": f"{name}_rows", "million_tokens_per_s": round(rate, 1)})
    n = source.n_rows
    expected = order_of(source, max(2 * n + 4, 5_000))
    found = check_resume(source, expected)
    result.runs.append({"case": f"{name}_resume", **found})
    result.claim(f"{name}_resumed_rows_wrong", "== 0", found["once"])
    result.claim(f"{name}_resumed_twice_wrong", "== 0", found["twice"])
    result.claim(f"{name}_ranks_workers_wrong", "== 0", check_ranks(source, expected))
    if name != "blend":
        once = sorted(expected[:n]) == sorted(expected[n : 2 * n])
        another = expected[:n] != expected[n : 2 * n]
        result.claim(
            f"{name}_epochs_same_rows_other_order", "== 1", int(once & another)
        )


def main() -> None:
    """Measure, check, write `results/data_shards.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="write no result file")
    parser.add_argument("--bytes", type=int, default=TEXT_BYTES, help="of text")
    parser.add_argument("--folder", type=Path, help="for the text and all shards")
    given = parser.parse_args()
    from result import Result

    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        docs, digest = write_text(folder, given.bytes)
        n_bytes = (folder / "text").stat().st_size
        work = {
            "text_bytes": n_bytes,
            "text_sha256": digest,
            "documents": len(docs),
            "document_chars": f"log-normal, median {MEDIAN_CHARS}, sigma 1, seed 0",
            "vocab_size": VOCABULARY,
            "shard_tokens": SHARD_TOKENS,
            "context_length": CONTEXT,
            "cores": os.cpu_count(),
        }
        result = Result("data_shards", work)
        measure(folder, docs, n_bytes, result)
    if given.dry:
        print(*result.runs, *result.claims, sep="\n")
    else:
        print(result.write(("numpy", "pyarrow")))


def measure(folder: Path, docs: list[str], n_bytes: int, result: Any) -> None:
    """Fill the result."""
    runs, hashes = measure_builds(folder, docs, n_bytes)
    result.runs += runs
    for case in ("memory_2_threads", "parquet_2_threads"):
        result.claim(f"{case}_mb_per_s", ">= 100", median_rate(runs, case))
    for source in ("memory", "parquet"):
        cpu_s = [r["cpu_s"] for r in runs if r["case"] == f"{source}_2_threads"]
        rate = n_bytes / statistics.median(cpu_s) / 1e6
        result.claim(f"{source}_mb_per_cpu_s", "> 0", rate)
        share = rate_share(runs, f"{source}_2_threads", "encoder_2_threads")
        result.claim(f"{source}_share_of_encoder_speed", "> 0", share)
    result.claim("different_bytes_by_threads_and_source", "== 1", len(hashes))
    result.claim("peak_mb", "< 500", measure_memory(folder) / 1e6)
    build_s = n_bytes / 1e6 / median_rate(runs, "parquet_2_threads") + 1
    kills = kill_builds(folder, folder / "killed", build_s)
    result.runs += kills
    n_killed = sum(not kill["too_late"] for kill in kills)
    result.claim("builds_killed", ">= 3", n_killed)
    same = hash_folder(folder / "killed") in hashes
    result.claim("killed_build_same_bytes", "== 1", int(same))
    check_rows(folder, result)


if __name__ == "__main__":
    main()
