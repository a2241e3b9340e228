"""What stands in a corpus directory, in numbers: for `scratchlm corpus stats`.

Documents are read one row group at a time; 8 bytes of memory each.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from statistics import median
from typing import Any

import pyarrow.parquet as pq

from scratchlm.corpus.document import Document
from scratchlm.corpus.store import CONVERSATIONS, Corpus

LARGEST = 5


def corpus_stats(corpus: Corpus) -> dict[str, Any]:
    """Counts, sizes and extremes of a built corpus."""
    receipt = corpus.receipt
    found = {
        "train": _side(corpus.train_documents()),
        "heldout": _side(corpus.heldout_documents()),
        "synthetic": receipt["synthetic"],
        "left_out": {
            step["step"]: {
                reason: drop["count"] for reason, drop in step["reasons"].items()
            }
            for step in receipt["steps"]
            if step["reasons"]
        },
    }
    if (corpus.directory / CONVERSATIONS).exists():
        found["conversations"] = _counts(corpus.conversations())
        found["preferences"] = _counts(corpus.preferences())
    return found


def first_rows(corpus: Corpus, what: str, number: int) -> Iterator[dict[str, Any]]:
    """The first rows of `train`, `heldout`, `removed`, `conversations`, …"""
    if what in ("conversations", "preferences"):
        yield from getattr(corpus, what)()[:number]
        return
    rows = (
        row
        for path in corpus.parts(what)
        for batch in pq.ParquetFile(path).iter_batches(64)
        for row in batch.to_pylist()
    )
    yield from islice(rows, number)


def _side(documents: Iterable[Document]) -> dict[str, Any]:
    sizes: list[int] = []
    total: Counter[str] = Counter(n_chars=0, n_words=0, n_lines=0)
    groups = {name: Counter[str]() for name in ("source", "language", "licence")}
    largest: list[tuple[int, str]] = []
    for document in documents:
        text = document.text
        sizes.append(document.n_bytes)
        heapq.heappush(largest, (sizes[-1], document.id))
        if len(largest) > LARGEST:
            heapq.heappop(largest)
        total["n_chars"] += len(text)
        total["n_words"] += len(text.split())
        total["n_lines"] += text.count("\n")
        groups["source"][document.source] += 1
        for name in ("language", "licence"):
            groups[name][str(document.metadata.get(name, "not stated"))] += 1
    return {
        "n_documents": len(sizes),
        "n_bytes": sum(sizes),
        **total,
        "median_bytes": int(median(sizes)) if sizes else 0,
        "largest": [
            {"id": name, "n_bytes": size} for size, name in sorted(largest)[::-1]
        ],
        **{f"by_{name}": dict(group.most_common()) for name, group in groups.items()},
    }


def _counts(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(f"{row['split']}/{row['kind']}" for row in rows)
    return dict(sorted(counts.items()))
