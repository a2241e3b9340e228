"""Encoding and decoding: ours against tiktoken, Hugging Face tokenizers, gigatoken.

SCRATCHLM_SHARED=… python benchmarks/tokenizer_encode.py

One vocabulary of 32,768 ids with Llama-3's pattern, trained on other text, is given to
all engines; they take turns on held-out text, and their ids are compared. Bulk rates
count UTF-8 bytes a second of wall time, with CPU seconds beside.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import statistics
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tokenizer_peers as peers
from timing import timed

TRAIN_BYTES = 40_000_000
HELD_OUT_BYTES = 20_000_000
VOCABULARY = 32_768
REPEATS = 5


def read_held_out() -> list[str]:
    """Documents that follow those trained on, of about 8,000 characters."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "text"
        peers.write_corpus(path, TRAIN_BYTES + HELD_OUT_BYTES)
        with path.open("rb") as file:
            file.seek(TRAIN_BYTES)
            rest = file.read().decode("utf-8", "ignore")
        path.write_text(rest, encoding="utf-8", newline="")
        return list(peers.read_documents(path))


def train_ours() -> Any:
    """The vocabulary for all."""
    from scratchlm.tokenizer import TokenizerConfig, WordCounts, train_from_counts

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "text"
        peers.write_corpus(path, TRAIN_BYTES)
        data = path.read_bytes()[:TRAIN_BYTES]
    counts = WordCounts()
    counts.add(data)
    return train_from_counts(TokenizerConfig(vocab_size=VOCABULARY), counts)


def load_peers(ours: Any) -> dict[str, Any]:
    """The same vocabulary in every engine."""
    sys.path.append(str(peers.FOLDER))
    import tiktoken
    import tokenizers
    from gigatoken import gigatoken_rs

    from scratchlm.tokenizer.pattern import PATTERNS

    ranks = {token: i for i, token in enumerate(ours.model.tokens_as_bytes()) if token}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "tokenizer.json"
        path.write_text(json.dumps(huggingface_json(ours)))
        return {
            "tiktoken": tiktoken.Encoding(
                "ours",
                pat_str=PATTERNS["llama3"],
                mergeable_ranks=ranks,
                special_tokens={},
            ),
            "tokenizers": tokenizers.Tokenizer.from_file(str(path)),
            "gigatoken": gigatoken_rs.BPETokenizer.from_hf(path),
        }


def huggingface_json(ours: Any) -> dict[str, Any]:
    """Our tokenizer.json."""
    from scratchlm.tokenizer import to_huggingface_json

    content: dict[str, Any] = to_huggingface_json(ours)
    return content


# ---- measuring ----


def drop(results: Iterable[Any]) -> None:
    """Make all results, keep none."""
    deque(results, maxlen=0)


def take_turns(
    name: str, work: dict[str, Callable[[], Any]], n_bytes: int
) -> list[dict[str, Any]]:
    """Each engine `REPEATS` times or more, in turns; megabytes a second."""
    runs: list[dict[str, Any]] = []
    for engine in work:
        work[engine]()  # warm
    for repeat in range(REPEATS * (4 if "two_threads" in work else 1)):
        order = list(work)
        for engine in order[repeat % len(order) :] + order[: repeat % len(order)]:
            wall_s, cpu_s = timed(work[engine])
            runs.append(
                {
                    "case": name,
                    "engine": engine,
                    "wall_s": round(wall_s, 6),
                    "cpu_s": round(cpu_s, 6),
                    "mb_per_s": round(n_bytes / wall_s / 1e6, 3),
                }
            )
    for engine in work:
        rates = [r["mb_per_s"] for r in runs if r["engine"] == engine]
        print(f"{name:>24}  {engine:>16}  {statistics.median(rates):9.1f} MB/s")
    return runs


def ratio(
    runs: Sequence[dict[str, Any]], case: str, engine: str, other: str, key: str
) -> float:
    """How many times less of `key` the engine takes, by medians."""

    def median(name: str) -> float:
        return statistics.median(
            r[key] for r in runs if r["case"] == case and r["engine"] == name
        )

    return median(other) / median(engine)


def paired_ratio(
    runs: Sequence[dict[str, Any]], case: str, engine: str, other: str
) -> float:
    """The median over the turns of one engine's time over the other's.

    Where a machine's speed drifts, what ran side by side is compared.
    """

    def times(name: str) -> list[float]:
        found = (r for r in runs if r["case"] == case and r["engine"] == name)
        return [r["wall_s"] for r in found]

    pairs = zip(times(other), times(engine), strict=True)
    return statistics.median(theirs / ours for theirs, ours in pairs)


def bulk_cases(ours: Any, others: dict[str, Any], docs: list[str]) -> dict[str, Any]:
    """Encoding many documents: to one array, and to lists."""
    joined = "".join(docs).encode()
    tiktoken, tokenizers = others["tiktoken"], others["tokenizers"]
    gigatoken, encoder = others["gigatoken"], ours._encoder
    return {
        "bulk_one_thread": {
            "ours": lambda: ours.encode_batch_to_numpy(docs, threads=1),
            "tiktoken": lambda: [tiktoken.encode_ordinary(doc) for doc in docs],
            "tokenizers": lambda: tokenizers.encode_batch_fast(
                docs, add_special_tokens=False
            ),
            "gigatoken": lambda: gigatoken.encode_batch(docs, parallel=False),
        },
        "bulk_two_threads": {
            "ours": lambda: ours.encode_batch_to_numpy(docs, threads=2),
            "ours_lists": lambda: ours.encode_batch(docs, threads=2),
            "tiktoken": lambda: tiktoken.encode_ordinary_batch(docs, num_threads=2),
            "gigatoken": lambda: gigatoken.encode_batch(docs),
        },
        "joined_bytes": {
            "one_thread": lambda: encoder.encode_to_numpy(joined, ours.dtype, 1),
            "two_threads": lambda: encoder.encode_to_numpy(joined, ours.dtype, 2),
        },
        "kernel": {
            "one_thread": lambda: count_in_threads(ours, joined, 1),
            "two_threads": lambda: count_in_threads(ours, joined, 2),
        },
    }


def short_cases(ours: Any, others: dict[str, Any], docs: list[str]) -> dict[str, Any]:
    """Encoding single texts of 10 bytes, 200 bytes and 5 kB to lists."""
    text = "".join(docs[:200])
    peer = others["tiktoken"].encode_ordinary
    cases = {}
    for size, count in ((10, 20_000), (200, 4_000), (5_000, 200)):
        texts = [text[i * 13 : i * 13 + size] for i in range(count)]
        cases[f"lists_{size}_bytes"] = (
            {
                "ours": lambda texts=texts: drop(map(ours.encode, texts)),
                "tiktoken": lambda texts=texts: drop(map(peer, texts)),
            },
            sum(len(t.encode()) for t in texts),
        )
    return cases


def count_in_threads(ours: Any, data: bytes, threads: int) -> None:
    """Each of some threads encodes the whole text and keeps nothing but a count."""
    work = [
        threading.Thread(target=ours._encoder.count, args=(data,))
        for _ in range(threads)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()


def check_ids(ours: Any, others: dict[str, Any], docs: list[str]) -> dict[str, bool]:
    """Whether every engine gives our ids for every document."""
    expected = [ours.encode(doc) for doc in docs]
    huggingface = others["tokenizers"].encode_batch(docs, add_special_tokens=False)
    return {
        "tiktoken": [others["tiktoken"].encode_ordinary(d) for d in docs] == expected,
        "tokenizers": [e.ids for e in huggingface] == expected,
        "gigatoken": others["gigatoken"].encode_batch(docs).tolist() == expected,
        "ours_batch": ours.encode_batch(docs) == expected,
        "decoded": ours.decode_batch(expected) == docs,
    }


def fallback_runs(ours: Any, others: dict[str, Any]) -> list[dict[str, Any]]:
    """What runs without a compiler against tiktoken, on ASCII text and on other."""
    from scratchlm.tokenizer import Tokenizer

    slow = Tokenizer.in_own_layout(ours.model, ours.vocab_size, backend="python")
    peer = others["tiktoken"]
    runs = []
    for name, texts in fallback_texts().items():
        work = {
            "fallback": lambda t=texts: drop(map(slow.encode, t)),
            "tiktoken": lambda t=texts: drop(map(peer.encode_ordinary, t)),
        }
        n_bytes = sum(len(text.encode()) for text in texts)
        runs += take_turns(f"fallback_{name}", work, n_bytes)
    return runs


def fallback_texts() -> dict[str, list[str]]:
    """About 2 MB of ASCII documents, and all contexts of three other languages."""
    ascii_texts = [t for t in read_held_out() if t.isascii()][:250]
    root = peers.shared_data() / "eval" / "xquad"
    other: list[str] = []
    for language in ("de", "ru", "zh"):
        with lzma.open(root / f"xquad.{language}.json.xz", "rt", encoding="utf-8") as f:
            content = json.load(f)
        other += [p["context"] for d in content["data"] for p in d["paragraphs"]]
    return {"ascii": ascii_texts, "other": other}


def main() -> None:
    """Measure, compare, write `results/tokenizer_encode.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="write no result file")
    dry = parser.parse_args().dry
    os.environ.setdefault("RAYON_NUM_THREADS", "2")
    from result import Result

    versions = peers.install_peers()
    ours, docs = train_ours(), read_held_out()
    others = load_peers(ours)
    n_bytes = sum(len(doc.encode()) for doc in docs)
    same = check_ids(ours, others, docs)
    runs: list[dict[str, Any]] = []
    for name, work in bulk_cases(ours, others, docs).items():
        if name == "bulk_one_thread":
            os.environ["TOKENIZERS_PARALLELISM"] = "false"
        runs += take_turns(name, work, n_bytes)
    for name, (work, size) in short_cases(ours, others, docs).items():
        runs += take_turns(name, work, size)
    ids = ours.encode_batch(docs)
    arrays = [np.array(x, ours.dtype) for x in ids]
    decode = {
        "ours": lambda: drop(map(ours.decode, arrays)),
        "ours_lists": lambda: drop(map(ours.decode, ids)),
        "tiktoken": lambda: drop(map(others["tiktoken"].decode, ids)),
    }
    runs += take_turns("decode", decode, n_bytes)
    runs += fallback_runs(ours, others)
    data = "".join(docs).encode()
    work_done = {
        "vocab_size": VOCABULARY,
        "vocabulary_sha256": ours.sha256,
        "text_bytes": n_bytes,
        "text_sha256": hashlib.sha256(data).hexdigest(),
        "documents": len(docs),
        "peers": versions,
    }
    result = Result("tokenizer_encode", work_done)
    result.runs = runs
    claim(result, runs, same)
    if not dry:
        print(result.write(peers.ORACLES))


def claim(
    result: Any,
    runs: list[dict[str, Any]],
    same: dict[str, bool],
) -> None:
    """Hold the medians against the goals."""
    one, two = "bulk_one_thread", "bulk_two_threads"
    ours = "ours"
    wanted = [
        ("encode_vs_tiktoken", ">= 8", one, ours, "tiktoken"),
        ("encode_vs_tokenizers", ">= 50", one, ours, "tokenizers"),
        ("encode_vs_gigatoken", "> 0", one, ours, "gigatoken"),
        ("encode_two_threads_vs_tiktoken", ">= 8", two, ours, "tiktoken"),
        ("encode_two_threads_vs_gigatoken", "> 0", two, ours, "gigatoken"),
        ("lists_10_bytes_vs_tiktoken", ">= 5", "lists_10_bytes", ours, "tiktoken"),
        ("lists_200_bytes_vs_tiktoken", ">= 5", "lists_200_bytes", ours, "tiktoken"),
        ("lists_5000_bytes_vs_tiktoken", ">= 5", "lists_5000_bytes", ours, "tiktoken"),
        ("decode_arrays_vs_tiktoken", ">= 4", "decode", ours, "tiktoken"),
        ("decode_lists_vs_tiktoken", ">= 4", "decode", "ours_lists", "tiktoken"),
        ("fallback_ascii", ">= 0.5", "fallback_ascii", "fallback", "tiktoken"),
        ("fallback_other", ">= 0.15", "fallback_other", "fallback", "tiktoken"),
    ]
    for name, goal, case, engine, other in wanted:
        result.claim(f"{name}_wall", goal, ratio(runs, case, engine, other, "wall_s"))
    for name, _, case, engine, other in wanted[:3]:
        result.claim(f"{name}_cpu", "> 0", ratio(runs, case, engine, other, "cpu_s"))
    for name, goal, work in (("kernel", ">= 1.9", 2), ("joined_bytes", ">= 1.5", 1)):
        gain = work * paired_ratio(runs, name, "two_threads", "one_thread")
        result.claim(f"two_threads_{name}", goal, gain)
    for name, equal in same.items():
        result.claim(f"same_ids_{name}", "== 1", int(equal))


if __name__ == "__main__":
    main()
