"""What differs between two corpora: settings, inputs, steps, and which documents.

Documents are matched by source and id; 16 bytes of memory each.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.apply_rules import excerpt
from scratchlm.corpus.store import Corpus

SIDES = ("train", "heldout")
EXAMPLES = 10
Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class _Index:
    """Hashes of names (sorted), and of texts in the same order."""

    names: Hashes
    texts: Hashes

    def find(self, name: int, text: int) -> str:
        """`same`, `changed` or `absent`."""
        place = int(np.searchsorted(self.names, np.uint64(name)))
        if place == len(self.names) or int(self.names[place]) != name:
            return "absent"
        return "same" if int(self.texts[place]) == text else "changed"


def diff_corpora(left: Corpus, right: Corpus) -> dict[str, Any]:
    """Everything that differs, as JSON: empty mappings where nothing does."""
    return {
        "settings": diff_values(left.manifest["config"], right.manifest["config"]),
        "inputs": diff_values(left.manifest["inputs"], right.manifest["inputs"]),
        "steps": _diff_steps(left.receipt, right.receipt),
        "documents": {side: _diff_side(left, right, side) for side in SIDES},
    }


def diff_values(left: Any, right: Any, where: str = "") -> dict[str, list[Any]]:
    """Dotted name → both values, for each place at which two JSON values differ."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        found: dict[str, list[Any]] = {}
        for name in sorted({*left, *right}):
            inner = f"{where}.{name}" if where else name
            found |= diff_values(left.get(name), right.get(name), inner)
        return found
    return {} if left == right else {where: [left, right]}


def _diff_steps(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    """Counts by step that differ, as [left, right]; reasons too."""
    return diff_values(_counts(left), _counts(right))


def _counts(receipt: Mapping[str, Any]) -> dict[str, Any]:
    names = ("in", "kept", "dropped", "failed", "changed", "bytes_out")
    return {
        step["step"]: {
            **{name: step[name] for name in names},
            "reasons": {name: d["count"] for name, d in step["reasons"].items()},
        }
        for step in receipt["steps"]
    }


def _diff_side(left: Corpus, right: Corpus, side: str) -> dict[str, Any]:
    old, new = _index(left.documents(side)), _index(right.documents(side))
    gone, _ = _compare(left.documents(side), new)
    come, changed = _compare(right.documents(side), old)
    return {
        "left": len(old.names),
        "right": len(new.names),
        "only_left": gone,
        "only_right": come,
        "changed": changed,
    }


def _index(documents: Iterable[Document]) -> _Index:
    pairs = np.fromiter(_pairs(documents), dtype=np.dtype((np.uint64, 2)))
    order = np.argsort(pairs[:, 0], kind="stable")
    return _Index(pairs[order, 0], pairs[order, 1])


def _pairs(documents: Iterable[Document]) -> Iterator[tuple[int, int]]:
    for document in documents:
        yield _name_hash(document), _hash(document.text)


def _compare(
    documents: Iterable[Document], other: _Index
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Documents that `other` lacks, and those of which it has another text."""
    counts: dict[str, dict[str, Any]] = {
        kind: {"count": 0, "bytes": 0, "examples": []} for kind in ("absent", "changed")
    }
    for document in documents:
        kind = other.find(_name_hash(document), _hash(document.text))
        if kind == "same":
            continue
        entry = counts[kind]
        entry["count"] += 1
        entry["bytes"] += document.n_bytes
        if len(entry["examples"]) < EXAMPLES:
            shown = {"id": document.id, "source": document.source}
            entry["examples"].append({**shown, "excerpt": excerpt(document.text)})
    return counts["absent"], counts["changed"]


def _name_hash(document: Document) -> int:
    return _hash(f"{document.source}\0{document.id}")


def _hash(text: str) -> int:
    digest = blake2b(text.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
