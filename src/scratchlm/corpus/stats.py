"""What stands in a corpus directory, in numbers: for `scratchlm corpus stats`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.corpus.build import RECEIPT, Corpus
from scratchlm.corpus.document import Document

LARGEST = 5


def corpus_stats(directory: Path) -> dict[str, Any]:
    """Counts, sizes and extremes of a built corpus.

    Raises:
        UserError: `directory` holds no corpus.
    """
    if not (directory / RECEIPT).exists():
        raise UserError(f"{directory} holds no corpus; make one with corpus build")
    corpus = Corpus(directory)
    return {
        "train": _side(list(corpus.train_documents())),
        "heldout": _side(list(corpus.heldout_documents())),
        "conversations": _counts(corpus.conversations()),
        "preferences": _counts(corpus.preferences()),
        "synthetic": corpus.receipt["synthetic"],
        "dropped": {
            step["step"]: {
                reason: drop["count"] for reason, drop in step["reasons"].items()
            }
            for step in corpus.receipt["steps"]
            if step["reasons"]
        },
    }


def _side(documents: Sequence[Document]) -> dict[str, Any]:
    sizes = sorted((document.n_bytes, document.id) for document in documents)
    text_chars = sum(len(document.text) for document in documents)
    return {
        "n_documents": len(documents),
        "n_bytes": sum(size for size, _ in sizes),
        "n_chars": text_chars,
        "n_words": sum(len(document.text.split()) for document in documents),
        "n_lines": sum(document.text.count("\n") for document in documents),
        "median_bytes": sizes[len(sizes) // 2][0] if sizes else 0,
        "largest": [
            {"id": name, "n_bytes": size} for size, name in sizes[::-1][:LARGEST]
        ],
    }


def _counts(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(f"{row['split']}/{row['kind']}" for row in rows)
    return dict(sorted(counts.items()))
