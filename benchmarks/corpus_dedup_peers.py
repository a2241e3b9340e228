"""Near-duplicate tools, pinned: each alone in a process of its own, on the same texts.

python benchmarks/corpus_dedup_peers.py TOOL TEXTS RESULT

TEXTS is a pickled list of strings; RESULT gets the seconds from texts in memory (for
datatrove: from its JSON lines) to the list of what goes, that list, and peak memory.
The peers are installed once into `.peers/near/`; this checkout's own packages go first.
They get what their pages recommend, and more where that is faster: datatrove two
workers that are forked and words split at blanks (its default for English, spaCy, is
slower); datasketch two processes and xxhash; rensa its batch calls on all cores.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pinned import install_pinned

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("SCRATCHLM_PEERS", HERE.parent / ".peers")) / "near"
PINNED = {
    "datatrove": "0.10.1",
    "datasketch": "2.0.0",
    "rensa": "0.5.0",
    "xxhash": "3.6.0",
    "regex": "2026.11.15",
    "orjson": "3.11.4",
}
THRESHOLD = 0.7
PROCESSES = 2
WORDS = 5


def install_peers() -> dict[str, str]:
    """Install what is missing; versions by name."""
    return install_pinned(FOLDER, PINNED)


def shingles(text: str) -> list[str]:
    """Five-word shingles as people make them for these tools: lower case, blanks."""
    words = text.lower().split()
    if len(words) < WORDS:
        return [" ".join(words)]
    return [" ".join(words[i : i + WORDS]) for i in range(len(words) - WORDS + 1)]


def run_scratchlm(texts: Sequence[str]) -> tuple[float, list[int]]:
    """Ours: verified, at a threshold for which the peers' bands are made as well."""
    from scratchlm.corpus.dedup.near import find_near_duplicates
    from scratchlm.corpus.dedup.near_config import NearConfig

    config = NearConfig(threshold=float(os.environ.get("NEAR_THRESHOLD", "0.65")))
    find_near_duplicates(texts[:100], config)
    begun = time.perf_counter()
    pairs = find_near_duplicates(texts, config, threads=PROCESSES)
    seconds = time.perf_counter() - begun
    run_scratchlm.pairs = [(p.removed, p.kept) for p in pairs]  # type: ignore[attr-defined]
    return seconds, [pair.removed for pair in pairs]


def run_datatrove(texts: Sequence[str]) -> tuple[float, list[int]]:
    """Signatures, buckets, clusters; two tasks on two workers, 14 x 8."""
    with tempfile.TemporaryDirectory() as room:
        half = -(-len(texts) // 2)
        parts = [range(half), range(half, len(texts))]
        for number, part in enumerate(parts):
            path = Path(room, "in", f"{number:05d}.jsonl")
            path.parent.mkdir(exist_ok=True)
            with path.open("w") as file:
                for i in part:
                    file.write(json.dumps({"text": texts[i], "id": str(i)}) + "\n")
        begun = time.perf_counter()
        _datatrove_stages(Path(room))
        seconds = time.perf_counter() - begun
        removed = []
        for number, part in enumerate(parts):
            path = Path(room, "remove", f"{number:06d}.remove")
            if path.exists():
                places = struct.iter_unpack("<I", path.read_bytes())
                removed += [part[place] for (place,) in places]
    return seconds, removed


def _datatrove_stages(room: Path) -> None:
    import datatrove.pipeline.dedup.minhash as module
    from datatrove.executor.local import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader

    config = MinhashConfig()
    module.load_word_tokenizer = lambda language: _Blanks()
    signature = MinhashDedupSignature(f"{room}/signatures", config)
    stages: list[tuple[list[Any], int]] = [
        ([JsonlReader(f"{room}/in"), signature], PROCESSES),
        ([MinhashDedupBuckets(f"{room}/signatures", f"{room}/buckets")], 14),
        ([MinhashDedupCluster(f"{room}/buckets", f"{room}/remove")], 1),
    ]
    for number, (pipeline, tasks) in enumerate(stages):
        LocalPipelineExecutor(
            pipeline,
            tasks=tasks,
            workers=PROCESSES,
            start_method="fork",
            logging_dir=f"{room}/logs/{number}",
        ).run()


class _Blanks:
    """A word tokenizer for datatrove."""

    def word_tokenize(self, text: str) -> list[str]:
        """Words between blanks."""
        return text.split()


def run_datasketch(texts: Sequence[str]) -> tuple[float, list[int]]:
    """MinHash by `update_batch` in two processes, `MinHashLSH` text by text."""
    from datasketch import MinHashLSH

    begun = time.perf_counter()
    lsh = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    removed = []
    with get_context("fork").Pool(PROCESSES) as pool:
        for number, sketch in enumerate(pool.imap(_sketch, texts, chunksize=64)):
            if lsh.query(sketch):
                removed.append(number)
            else:
                lsh.insert(number, sketch, check_duplication=False)
    return time.perf_counter() - begun, removed


def _sketch(text: str) -> Any:
    from datasketch import LeanMinHash, MinHash

    sketch = MinHash(num_perm=128, hashfunc=_hash32)
    sketch.update_batch({shingle.encode() for shingle in shingles(text)})
    return LeanMinHash(sketch)


def _hash32(data: bytes) -> int:
    import xxhash

    return xxhash.xxh32_intdigest(data)


def run_rensa(texts: Sequence[str]) -> tuple[float, list[int]]:
    """Full-set R-MinHash of shingles in one batch, 16 bands of 8."""
    from rensa import RMinHash

    begun = time.perf_counter()
    matrix = RMinHash.digest_matrix_from_token_sets(map(shingles, texts), 128, 42)
    return _flags(matrix, begun)


def run_rensa_deduplicator(texts: Sequence[str]) -> tuple[float, list[int]]:
    """The same sketches one by one, in the deduplicator with its own check."""
    from rensa import RMinHashDeduplicator

    begun = time.perf_counter()
    deduplicator = RMinHashDeduplicator(THRESHOLD, 128, True)
    pairs = ((str(i), shingles(text)) for i, text in enumerate(texts))
    kept = deduplicator.add_pairs(pairs)
    return time.perf_counter() - begun, [i for i, stays in enumerate(kept) if not stays]


def run_rensa_rho(texts: Sequence[str]) -> tuple[float, list[int]]:
    """Its fastest pipeline, which samples positions, on the same shingles."""
    return _rho(map(shingles, texts))


def run_rensa_words(texts: Sequence[str]) -> tuple[float, list[int]]:
    """Its fastest pipeline on single words, as in its manual: another likeness."""
    return _rho(text.split() for text in texts)


def _rho(tokens: Iterator[list[str]]) -> tuple[float, list[int]]:
    from rensa import RMinHash

    begun = time.perf_counter()
    matrix = RMinHash.digest_matrix_from_token_sets_rho(tokens, 128, 42)
    return _flags(matrix, begun)


def _flags(matrix: Any, begun: float) -> tuple[float, list[int]]:
    from rensa import RMinHashLSH

    lsh = RMinHashLSH(THRESHOLD, 128, 16)
    flags = lsh.query_duplicate_flags_matrix_one_shot(matrix)
    return time.perf_counter() - begun, [i for i, flag in enumerate(flags) if flag]


TOOLS: dict[str, Callable[[Sequence[str]], tuple[float, list[int]]]] = {
    "scratchlm": run_scratchlm,
    "datatrove": run_datatrove,
    "datasketch": run_datasketch,
    "rensa": run_rensa,
    "rensa_deduplicator": run_rensa_deduplicator,
    "rensa_rho": run_rensa_rho,
    "rensa_words": run_rensa_words,
}


def own_peak_kib() -> int:
    """Most memory of this process since it began; `ru_maxrss` counts its parent's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def main(tool: str, texts: str, result: str) -> None:
    """Run one tool."""
    sys.path.append(str(FOLDER))
    run = TOOLS[tool]
    with Path(texts).open("rb") as file:
        loaded: list[str] = pickle.load(file)
    seconds, removed = run(loaded)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    peak = max(own_peak_kib(), children)
    row = {
        "tool": tool,
        "seconds": seconds,
        "peak_mib": round(peak / 1024),
        "removed": removed,
        "pairs": getattr(run, "pairs", None),
    }
    Path(result).write_text(json.dumps(row))


if __name__ == "__main__":
    main(*sys.argv[1:])
