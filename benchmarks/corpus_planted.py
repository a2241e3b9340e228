"""Real text with planted near-duplicates, whose true likeness is known.

Documents of about 4,000 characters; copies of some by inserting a block of other text
(5 to 40 % of the length) and by replacing words at random (0.5 to 4 %); and two
collections that share nothing but their boilerplate.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

DOCUMENT_CHARS = 4_000
INSERTED = (0.05, 0.1, 0.2, 0.4)
REPLACED = (0.005, 0.01, 0.02, 0.04)
LEVELS = (
    "exact",
    *(f"inserted_{share:g}" for share in INSERTED),
    *(f"replaced_{share:g}" for share in REPLACED),
)
BOILERPLATE_SHARE = 0.6
WORD = re.compile(r"[^\W_]+")


@dataclass
class Planted:
    """Texts in a shuffled order; copies[level] are (copy, original) positions, and
    collections[name] positions of the documents that share a boilerplate.
    """

    texts: list[str]
    copies: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    collections: dict[str, list[int]] = field(default_factory=dict)

    @property
    def n_bytes(self) -> int:
        """Bytes of all texts in UTF-8."""
        return sum(len(text.encode("utf-8", "surrogatepass")) for text in self.texts)


def cut_documents(texts: Iterable[str]) -> Iterator[str]:
    """Documents of whole paragraphs, of about 4,000 characters each."""
    for text in texts:
        lines: list[str] = []
        size = 0
        for line in text.splitlines(keepends=True):
            lines.append(line)
            size += len(line)
            if size >= DOCUMENT_CHARS:
                yield "".join(lines)
                lines, size = [], 0
        if size >= DOCUMENT_CHARS // 4:
            yield "".join(lines)


def plant(texts: Iterable[str], n_bytes: int, per_level: int, seed: int = 0) -> Planted:
    """About `n_bytes` of text in which `per_level` copies of each level stand."""
    draw = random.Random(seed)
    documents = sorted(set(cut_documents(texts)))
    draw.shuffle(documents)
    n_copies, n_crowd = per_level * len(LEVELS), per_level
    mean = sum(map(len, documents)) / len(documents)
    n_base = round(n_bytes / mean - 1.09 * n_copies - 2 * n_crowd / BOILERPLATE_SHARE)
    fresh = iter(documents[n_base:])  # what is inserted stands nowhere else
    base = documents[:n_base]
    made = [*base]
    labels: list[tuple[str, int]] = [("", 0)] * len(base)
    words = WORD.findall(" ".join(base[:200]))
    for level, name in enumerate(LEVELS):
        for original in range(level * per_level, (level + 1) * per_level):
            made.append(_copy(name, base[original], fresh, words, draw))
            labels.append((name, original))
    boilerplate = next(fresh)
    for name in ("collection_a", "collection_b"):
        for _ in range(n_crowd):
            made.append(_share_boilerplate(boilerplate, next(fresh)))
            labels.append((name, 0))
    return _shuffle(made, labels, draw)


def word_shingles(text: str) -> set[tuple[str, ...]]:
    """Runs of five words, as Python's regular expressions see words."""
    words = WORD.findall(text.lower())
    return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))}


def likeness(a: str, b: str) -> tuple[float, float]:
    """Jaccard similarity of two texts, and the share of a's shingles that b has."""
    left, right = word_shingles(a), word_shingles(b)
    both = len(left & right)
    return both / len(left | right), both / len(left)


def _copy(
    level: str,
    text: str,
    fresh: Iterator[str],
    vocabulary: Sequence[str],
    draw: random.Random,
) -> str:
    kind, _, share = level.partition("_")
    if kind == "inserted":
        length = int(len(text) * float(share))
        block = next(fresh)
        while len(block) < length:
            block += next(fresh)
        at = text.find(" ", draw.randrange(len(text) // 4, len(text) // 2))
        at = max(at, 0)
        return text[:at] + " " + block[:length] + text[at:]
    if kind == "replaced":
        places = list(WORD.finditer(text))
        chosen = draw.sample(places, max(1, round(len(places) * float(share))))
        for place in sorted(chosen, key=lambda found: -found.start()):
            word = draw.choice(vocabulary)
            text = text[: place.start()] + word + text[place.end() :]
    return text


def _share_boilerplate(boilerplate: str, own: str) -> str:
    length = int(len(boilerplate) * (1 - BOILERPLATE_SHARE) / BOILERPLATE_SHARE)
    half = len(boilerplate) // 2
    return boilerplate[:half] + "\n" + own[:length] + "\n" + boilerplate[half:]


def _shuffle(
    made: list[str], labels: list[tuple[str, int]], draw: random.Random
) -> Planted:
    order = list(range(len(made)))
    draw.shuffle(order)
    place = {number: at for at, number in enumerate(order)}
    planted = Planted([made[number] for number in order])
    for number, (name, original) in enumerate(labels):
        if name in LEVELS:
            pair = (place[number], place[original])
            planted.copies.setdefault(name, []).append(pair)
        elif name:
            planted.collections.setdefault(name, []).append(place[number])
    return planted
