"""Training a tokenizer: ours against rustbpe, Hugging Face tokenizers and gigatoken.

SCRATCHLM_SHARED=… python benchmarks/tokenizer_train.py [--megabytes 10 40 150]

Each run is a process of its own, so that its peak memory is its own; engines take
turns. All split with GPT-2's pattern and see the same text; the merges are compared:
with rustbpe's in its order of ties (ours), with the others' in Hugging Face's order.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import tokenizer_peers as peers

VOCABULARY = 32_768
ENGINES = ("ours", "rustbpe", "tokenizers", "gigatoken")
MODULES = {
    "ours": ("scratchlm.tokenizer.bpe_train", "scratchlm.tokenizer.counts"),
    "rustbpe": ("rustbpe", "scratchlm.tokenizer.pattern"),
    "tokenizers": ("tokenizers",),
    "gigatoken": ("gigatoken",),
}
Pairs = list[tuple[bytes, bytes]]


# ---- one run, in a process of its own ----


def train_ours(corpus: Path, out: Path) -> Callable[[], Pairs]:
    """Count the file, learn; and prepare what is needed later."""
    from scratchlm.tokenizer.bpe_train import learn_from_arrays
    from scratchlm.tokenizer.counts import WordCounts

    counts = WordCounts("gpt2")
    counts.add_file(corpus)
    arrays = counts.arrays(ordered=False)
    merges = learn_from_arrays(arrays, VOCABULARY - 256)
    return lambda: joined(merges, range(256))


def train_rustbpe(corpus: Path, out: Path) -> Callable[[], Pairs]:
    """Its own streaming interface."""
    import rustbpe

    from scratchlm.tokenizer.pattern import PATTERNS

    tokenizer = rustbpe.Tokenizer()
    tokenizer.train_from_iterator(
        peers.read_documents(corpus), VOCABULARY, pattern=PATTERNS["gpt2"]
    )
    return lambda: [(b"", token) for token, _ in tokenizer.get_mergeable_ranks()[256:]]


def train_tokenizers(corpus: Path, out: Path) -> Callable[[], Pairs]:
    """The library of Hugging Face, from an iterator."""
    import tokenizers
    from tokenizers import models, pre_tokenizers, trainers

    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(peers.read_documents(corpus), trainer)
    path = str(out) + ".json"
    tokenizer.save(path)
    return lambda: read_printable(Path(path))


def train_gigatoken(corpus: Path, out: Path) -> Callable[[], Pairs]:
    """From the file, as it likes best."""
    from gigatoken import gigatoken_rs

    _, merges = gigatoken_rs.train_bpe(corpus, VOCABULARY, [])
    return lambda: [(bytes(left), bytes(right)) for left, right in merges]


def joined(merges: Sequence[tuple[int, int]], order: Iterable[int]) -> Pairs:
    """Merges of ids as merges of bytes; `order` says which byte each first id is."""
    tokens = [bytes([byte]) for byte in order]
    for left, right in merges:
        tokens.append(tokens[left] + tokens[right])
    return [(tokens[left], tokens[right]) for left, right in merges]


def read_printable(path: Path) -> Pairs:
    """The merges of a tokenizer.json, as bytes."""
    from scratchlm.tokenizer.byte_alphabet import byte_alphabet

    byte_of = {letter: byte for byte, letter in enumerate(byte_alphabet())}
    merges = json.loads(path.read_text())["model"]["merges"]
    parts = (m if isinstance(m, list) else m.split(" ") for m in merges)
    return [tuple(bytes(byte_of[c] for c in half) for half in pair) for pair in parts]


def run_worker(engine: str, corpus: Path, out: Path) -> None:
    """One engine once; prints its figures as JSON, writes its merges."""
    sys.path.append(str(peers.FOLDER))
    for module in MODULES[engine]:
        importlib.import_module(module)  # the clock is for the work
    before = resource.getrusage(resource.RUSAGE_SELF)
    begun = time.perf_counter()
    finish = globals()[f"train_{engine}"](corpus, out)
    wall_s = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = sum(
        getattr(after, name) - getattr(before, name)
        for name in ("ru_utime", "ru_stime")
    )
    pairs = finish()
    out.write_text(json.dumps([[a.hex(), b.hex()] for a, b in pairs]))
    print(
        json.dumps(
            {
                "engine": engine,
                "wall_s": round(wall_s, 3),
                "cpu_s": round(cpu_s, 3),
                "peak_mb": round(after.ru_maxrss * 1024 / 1e6, 1),
                "n_merges": len(pairs),
            }
        )
    )


# ---- what the merges are held against ----


def ours_in_their_order(corpus: Path) -> Pairs:
    """Our merges with ties decided as Hugging Face's trainer decides them."""
    import numpy as np

    from scratchlm.tokenizer.bpe_train import learn_from_arrays
    from scratchlm.tokenizer.byte_alphabet import byte_alphabet
    from scratchlm.tokenizer.counts import WordCounts
    from scratchlm.tokenizer.counts_file import CountArrays

    letters = byte_alphabet()
    order = sorted(range(256), key=lambda byte: letters[byte])
    number = np.zeros(256, np.uint8)
    number[order] = np.arange(256, dtype=np.uint8)
    counts = WordCounts("gpt2")
    counts.add_file(corpus)
    arrays = counts.arrays()
    renamed = CountArrays(number[arrays.blob], arrays.lengths, arrays.counts)
    return joined(learn_from_arrays(renamed, VOCABULARY - 256), order)


def same_merges(engine: str, out: Path, ours: Pairs, theirs: Pairs) -> bool:
    """Whether an engine's merges are ours, one by one."""
    pairs = [
        (bytes.fromhex(left), bytes.fromhex(right))
        for left, right in json.loads(out.read_text())
    ]
    if engine == "rustbpe":  # it tells the tokens, not their halves
        return [b for _, b in pairs] == [a + b for a, b in ours]
    return pairs == (ours if engine == "ours" else theirs)


# ---- the benchmark ----


def run_once(engine: str, corpus: Path, out: Path) -> dict[str, Any]:
    """One engine in a process of its own."""
    command = [sys.executable, __file__, "--worker", engine]
    environment = {**os.environ, "TOKENIZERS_PARALLELISM": "true"}
    done = subprocess.run(
        [*command, "--corpus", str(corpus), "--out", str(out)],
        capture_output=True,
        text=True,
        env=environment,
    )
    if done.returncode:
        sys.exit(f"{engine} failed:\n{done.stderr}")
    run: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return run


def median(runs: list[dict[str, Any]], key: str, **where: Any) -> float:
    """Median of a figure over the runs that match."""
    return statistics.median(
        run[key] for run in runs if all(run[k] == v for k, v in where.items())
    )


def train_from_saved(corpus: Path, scratch: Path) -> float:
    """Seconds from saved counts to a ready tokenizer of 32,768 ids."""
    from scratchlm.tokenizer import TokenizerConfig, WordCounts, train_from_counts

    counts = WordCounts("gpt2")
    counts.add_file(corpus)
    counts.save(scratch / "counts")
    config = TokenizerConfig(vocab_size=VOCABULARY, pattern="gpt2")
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        train_from_counts(config, WordCounts.load(scratch / "counts"))
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def main() -> None:
    """Run all engines, compare, write `results/tokenizer_train.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", choices=ENGINES)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 40, 152])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="write no result file")
    arguments = parser.parse_args()
    if arguments.worker:
        run_worker(arguments.worker, arguments.corpus, arguments.out)
        return
    measure(arguments)


def measure(arguments: argparse.Namespace) -> None:
    """All sizes, all engines, in turns."""
    from result import Result

    versions = peers.install_peers()
    work: dict[str, Any] = {"vocab_size": VOCABULARY, "pattern": "gpt2", "texts": {}}
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for megabytes in arguments.megabytes:
            corpus = scratch / f"text_{megabytes}"
            digest = peers.write_corpus(corpus, megabytes * 1_000_000)
            size = corpus.stat().st_size
            work["texts"][str(megabytes)] = {"sha256": digest, "bytes": size}
            ours = joined(read_pairs_of(corpus), range(256))
            theirs = ours_in_their_order(corpus)
            for repeat in range(arguments.repeats):
                for engine in ENGINES[repeat % 4 :] + ENGINES[: repeat % 4]:
                    out = scratch / f"{engine}.json"
                    run = run_once(engine, corpus, out)
                    run["megabytes"] = megabytes
                    run["same_merges"] = same_merges(engine, out, ours, theirs)
                    print(json.dumps(run), flush=True)
                    runs.append(run)
        largest = max(arguments.megabytes)
        work["merges_sha256"] = hashlib.sha256(repr(ours).encode()).hexdigest()
        work["peers"] = versions
        result = Result("tokenizer_train", work)
        result.runs = runs
        claim(result, largest, work["texts"][str(largest)]["bytes"])
        result.claim(
            "train_32k_from_saved_counts_s",
            "<= 0.5",
            train_from_saved(scratch / f"text_{largest}", scratch),
        )
    if not arguments.dry:
        print(result.write(peers.ORACLES))


def read_pairs_of(corpus: Path) -> list[tuple[int, int]]:
    """Our merges, as the reference for every run."""
    from scratchlm.tokenizer.bpe_train import learn_from_arrays
    from scratchlm.tokenizer.counts import WordCounts

    counts = WordCounts("gpt2")
    counts.add_file(corpus)
    return learn_from_arrays(counts.arrays(), VOCABULARY - 256)


def claim(result: Any, largest: int, n_bytes: int) -> None:
    """Hold the medians against the goals."""
    ours = median(result.runs, "wall_s", engine="ours", megabytes=largest)
    goals = {"rustbpe": 10, "tokenizers": 20, "gigatoken": 3}
    result.claim("text_megabytes", ">= 150", n_bytes / 1e6)
    for engine, goal in goals.items():
        theirs = median(result.runs, "wall_s", engine=engine, megabytes=largest)
        result.claim(f"train_32k_vs_{engine}_wall_ratio", f">= {goal}", theirs / ours)
    for engine in goals:
        theirs = median(result.runs, "cpu_s", engine=engine, megabytes=largest)
        own = median(result.runs, "cpu_s", engine="ours", megabytes=largest)
        result.claim(f"train_32k_vs_{engine}_cpu_ratio", "> 1", theirs / own)
    result.claim(
        "train_32k_peak_mb",
        "<= 350",
        max(r["peak_mb"] for r in result.runs if r["engine"] == "ours"),
    )
    for engine in ENGINES:
        equal = all(r["same_merges"] for r in result.runs if r["engine"] == engine)
        result.claim(f"same_merges_as_{engine}", "== 1", int(equal))


if __name__ == "__main__":
    main()
