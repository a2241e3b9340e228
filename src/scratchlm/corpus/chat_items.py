"""What can be asked about: the common form of functions and of passages.

An item has one right answer and the same question in several forms. From items,
`conversations` chooses what is asked, what never is, and what is held out;
`preferences` sets their answers against each other. All choices are functions of
the seed and of names, never of the order in which items come.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Row = dict[str, Any]
"""One line of conversations.jsonl or preferences.jsonl."""
Message = dict[str, str]
"""`{"role": "system" | "user" | "assistant", "content": …}`."""

LENGTH_TOLERANCE = 0.2
"""A hard wrong answer is at most this share longer or shorter than the right one."""
MAX_LIKENESS = 0.8
"""Answers that share more words than this are not right and wrong, but two ways to
say the same."""

_WORD = re.compile(r"\w+")
_ARTICLES = frozenset({"a", "an", "the"})
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to ask about.

    `about` names it and is unique; `group` is where hard wrong answers come from
    (a module, a document); answers of another `topic` are off-topic; `prompts`
    maps the form of a question to its text.
    """

    about: str
    group: str
    topic: str
    answer: str
    prompts: Mapping[str, str]


Unit = tuple[Item, ...]
"""Two items that are each other's hard wrong answer, or one that has no partner."""


def answer_key(answer: str) -> str:
    """Lower-cased words but articles: answers with equal keys are the same answer."""
    return " ".join(w for w in _WORD.findall(answer.lower()) if w not in _ARTICLES)


def seeded_order(
    seed: int, purpose: str, values: Iterable[_T], name: Callable[[_T], str]
) -> list[_T]:
    """Shuffle by a keyed hash of names: equal for every order of the input."""

    def key(value: _T) -> tuple[bytes, str]:
        return seeded_digest(seed, purpose, name(value)), name(value)

    return sorted(values, key=key)


def seeded_digest(seed: int, *parts: str) -> bytes:
    """Eight bytes that only the seed and the parts decide."""
    text = "\x1f".join((str(seed), *parts))
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=8).digest()


def seeded_fraction(seed: int, *parts: str) -> float:
    """A number in [0, 1) that only the seed and the parts decide."""
    return int.from_bytes(seeded_digest(seed, *parts)[:6], "big") / 2**48


def pair_units(items: Sequence[Item]) -> list[Unit]:
    """Pair items of one group whose answers are almost equally long.

    Each item is in exactly one unit. In a pair each answer is the other's hard
    wrong one, so that over the pairs no answer is right more often than wrong.
    """
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[item.group].append(item)
    units: list[Unit] = []
    for group in sorted(groups):
        units.extend(_pair_group(groups[group]))
    return units


def is_hard_pair(first: Item, second: Item) -> bool:
    """Whether each answer is a wrong one for the other that is hard to tell."""
    shorter, longer = sorted((len(first.answer), len(second.answer)))
    if first.group != second.group or longer - shorter > LENGTH_TOLERANCE * shorter:
        return False
    return word_overlap(first.answer, second.answer) <= MAX_LIKENESS


def word_overlap(first: str, second: str) -> float:
    """Token F1 of two texts: 2 · common words / all words, lower-cased."""
    a, b = (Counter(_WORD.findall(text.lower())) for text in (first, second))
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 1.0


def _pair_group(items: Sequence[Item]) -> list[Unit]:
    ordered = sorted(items, key=lambda item: (len(item.answer), item.about))
    units: list[Unit] = []
    i = 0
    while i < len(ordered):
        pair = ordered[i : i + 2]
        size = 2 if len(pair) == 2 and is_hard_pair(*pair) else 1
        units.append(tuple(pair[:size]))
        i += size
    return units
