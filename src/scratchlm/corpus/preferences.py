"""Pairs of a right answer and a wrong one, of three kinds that a report keeps apart.

- hard: the answer to another item of the same module or document, almost as long;
- truncated: the right answer cut in the middle of its sentence;
- off_topic: the answer to an item of an unrelated module or document.

Hard and off-topic pairs come in twos, (a right, b wrong) and (b right, a wrong): an
answer is right as often as wrong, so nothing but the question can tell them apart.
Training pairs are made from asked items alone and test pairs from items that are
never asked: no answer of a test pair, right or wrong, was ever trained on.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from scratchlm.corpus.chat_items import (
    MAX_LIKENESS,
    Item,
    Row,
    Unit,
    seeded_fraction,
    seeded_order,
    word_overlap,
)

KINDS = ("hard", "truncated", "off_topic")
MAX_TRAIN_PAIRS = 1500
"""Of each kind; the kinds are cut to equal numbers."""
MAX_TEST_PAIRS: Mapping[str, int] = {"hard": 800, "truncated": 300, "off_topic": 300}
"""Small gains on the hard kind need many pairs to be seen."""
MIN_WORDS_TO_CUT = 6
MIN_CHARS_TO_CUT = 24

_Pairs = Iterator[tuple[Item, str, str]]
"""Item asked about, wrong answer, name of the item it belongs to."""


@dataclass(frozen=True, slots=True)
class Side:
    """The units of one side of the split, and the question chosen for each item."""

    split: str
    units: Sequence[Unit]
    prompts: Mapping[str, str]
    origins: Mapping[str, str]
    seed: int

    def items(self, purpose: str) -> list[Item]:
        """All items, shuffled for a purpose."""
        return seeded_order(
            self.seed, purpose, chain.from_iterable(self.units), lambda i: i.about
        )


def build_preferences(train: Side, test: Side) -> list[Row]:
    """Build the pairs of both sides, sorted by id.

    Each row is `{"id", "kind", "split", "about", "about_kind", "prompt", "chosen",
    "rejected", "rejected_about"}`; `prompt` is a list of messages.
    """
    rows = [*_train_rows(train), *_test_rows(test)]
    return sorted(rows, key=lambda row: str(row["id"]))


def truncate_answer(answer: str, fraction: float) -> str | None:
    """Cut an answer after 30 to 70 % of its words; None where it is too short.

    Args:
        answer: a sentence.
        fraction: where between the two to cut, in [0, 1).
    """
    words = answer.split()
    share = 0.3 + 0.4 * fraction
    if len(words) >= MIN_WORDS_TO_CUT:
        cut = " ".join(words[: round(share * len(words))])
    elif len(words) <= 2 and len(answer) >= MIN_CHARS_TO_CUT:
        cut = answer[: round(share * len(answer))]  # a script without blanks
    else:
        return None
    return cut.rstrip(" .,;:!?。！？、，") or None


def _train_rows(side: Side) -> list[Row]:
    made = [list(_rows(side, kind, MAX_TRAIN_PAIRS)) for kind in KINDS]
    least = min((len(rows) for rows in made if rows), default=0)
    return [row for rows in made for row in rows[: least - least % 2]]


def _test_rows(side: Side) -> list[Row]:
    return [row for kind in KINDS for row in _rows(side, kind, MAX_TEST_PAIRS[kind])]


def _rows(side: Side, kind: str, limit: int) -> Iterator[Row]:
    for i, (item, rejected, source) in enumerate(_MAKERS[kind](side)):
        if i >= limit:
            return
        yield {
            "id": f"{kind}-{side.split}-{i:04d}-{item.about}",
            "kind": kind,
            "split": side.split,
            "about": item.about,
            "about_kind": side.origins[item.about],
            "prompt": [{"role": "user", "content": side.prompts[item.about]}],
            "chosen": item.answer,
            "rejected": rejected,
            "rejected_about": source,
        }


def _hard(side: Side) -> _Pairs:
    pairs = [unit for unit in side.units if len(unit) == 2]
    for first, second in seeded_order(side.seed, "hard", pairs, lambda u: u[0].about):
        yield from _both_ways(first, second)


def _truncated(side: Side) -> _Pairs:
    for item in side.items("truncated"):
        fraction = seeded_fraction(side.seed, "cut", item.about)
        cut = truncate_answer(item.answer, fraction)
        if cut is not None:
            yield item, cut, item.about


def _off_topic(side: Side) -> _Pairs:
    """Let items meet in shuffled order; those that wait are all of one topic."""
    waiting: list[Item] = []
    for item in side.items("off_topic"):
        if not waiting or waiting[-1].topic == item.topic:
            waiting.append(item)
            continue
        other = waiting.pop()
        if word_overlap(item.answer, other.answer) <= MAX_LIKENESS:
            yield from _both_ways(other, item)


def _both_ways(first: Item, second: Item) -> _Pairs:
    yield first, second.answer, second.about
    yield second, first.answer, first.about


_MAKERS: Mapping[str, Callable[[Side], _Pairs]] = {
    "hard": _hard,
    "truncated": _truncated,
    "off_topic": _off_topic,
}
