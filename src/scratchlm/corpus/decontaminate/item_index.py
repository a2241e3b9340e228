"""Evaluation items, ready to be looked for: their words and where each n words stand.

A *part* is one prompt, choice or answer of one item; the words of all parts lie one
after the other. Sequences of 8 and of 13 words are numbered; those that more than
`most_items` items share are boilerplate and lead nowhere. Items with equal prompts
count as one (a benchmark may stand in two files). Prompts of fewer than 13 words are
looked for as a whole, found by their first `min_item_words` words.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.atomic import read_json
from scratchlm.corpus.decontaminate.grams import LONG, SHORT, Table, gram_hashes_of
from scratchlm.corpus.dedup.words import Hashes, Indices, Words

PROMPT, CHOICE, ANSWER = range(3)
Flags = NDArray[np.bool_]
_ARRAYS = (
    *(f"words.{name}" for name in ("folded", "starts", "ends", "hashes")),
    *(f"part_{name}" for name in ("items", "roles", "edges")),
    *(f"{n}.{name}" for n in ("short", "long") for name in ("hashes", "shared", "at")),
    *("wholes", "whole_parts.offsets", "whole_parts.places", "part_of"),
    *(f"{n}_seeds.{name}" for n in ("short", "long") for name in ("offsets", "places")),
    *("gram_items", "gram_numbers"),
)


@dataclass(frozen=True)
class Postings:
    """For each of G numbers a list of places: `places[offsets[g] : offsets[g + 1]]`."""

    offsets: Indices
    places: Indices

    def expand(self, numbers: Indices) -> tuple[Indices, Indices]:
        """(index into `numbers`, place) for every place of every number."""
        first = self.offsets[numbers]
        counts = self.offsets[numbers + 1] - first
        which = np.repeat(np.arange(len(numbers)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return which, self.places[np.repeat(first, counts) + within]


@dataclass(frozen=True)
class GramIndex:
    """All sequences of n words: hashes (G,), which are shared by too many items (G,),
    and the number of the one that begins at each word, -1 where none does (W,).
    """

    n: int
    hashes: Hashes
    shared: Flags
    at: Indices


@dataclass(frozen=True)
class ItemIndex:
    """Items and parts as arrays; see the module.

    `part_items`, `part_roles` (P,), `part_edges` (P + 1,) in words; `wholes` are the
    hashes of short prompts, `whole_parts` the parts of each.
    """

    names: Sequence[tuple[str, str]]
    min_item_words: int
    words: Words
    part_items: Indices
    part_roles: Indices
    part_edges: Indices
    short: GramIndex
    long: GramIndex
    wholes: Hashes
    whole_parts: Postings

    @cached_property
    def short_table(self) -> Table:
        """All sequences of 8 words."""
        return Table(self.short.hashes)

    @cached_property
    def long_table(self) -> Table:
        """All sequences of 13 words."""
        return Table(self.long.hashes)

    @cached_property
    def whole_table(self) -> Table:
        """Whole short prompts."""
        return Table(self.wholes)

    @cached_property
    def whole_lengths(self) -> list[int]:
        """How many words short prompts have."""
        parts = self.whole_parts.places
        lengths = self.part_edges[parts + 1] - self.part_edges[parts]
        return sorted(set(lengths.tolist()))

    @cached_property
    def prefix_table(self) -> Table:
        """The first words of short prompts."""
        total = gram_hashes_of(self.words.hashes, self.min_item_words)
        first = self.part_edges[:-1][self.whole_parts.places]
        return Table(np.unique(total[first]))

    @cached_property
    def short_seeds(self) -> Postings:
        """Where the sequences of 8 words stand, one place a part."""
        return _first_in_parts(self, self.short, self.short.shared)

    @cached_property
    def long_seeds(self) -> Postings:
        """The same of 13 words, where the first 8 of them are boilerplate."""
        eight = self.short.at[self.long.at >= 0]
        number = self.long.at[self.long.at >= 0]
        leads = np.zeros(len(self.long.hashes), np.bool_)
        leads[number[self.short.shared[eight]]] = True
        return _first_in_parts(self, self.long, self.long.shared | ~leads)

    @cached_property
    def part_of(self) -> Indices:
        """The part of each word (W,)."""
        return np.repeat(np.arange(len(self.part_items)), np.diff(self.part_edges))

    @cached_property
    def gram_items(self) -> Indices:
        """The items of `gram_numbers`, ascending."""
        return self._item_grams[0]

    @cached_property
    def gram_numbers(self) -> Indices:
        """Every different sequence of 8 words of every item, those shared left out."""
        return self._item_grams[1]

    @cached_property
    def whole_numbers(self) -> dict[int, int]:
        """The number of each part that is a short prompt."""
        offsets, parts = self.whole_parts.offsets, self.whole_parts.places
        numbers = np.repeat(np.arange(len(self.wholes)), np.diff(offsets))
        return dict(zip(parts.tolist(), numbers.tolist(), strict=True))

    @cached_property
    def answers(self) -> dict[int, list[int]]:
        """Parts that are right answers of an item, else all its choices."""
        found: dict[int, list[int]] = {}
        for role in (ANSWER, CHOICE):
            before = set(found)
            for part in np.flatnonzero(self.part_roles == role).tolist():
                item = int(self.part_items[part])
                if item not in before and self.n_words(part):
                    found.setdefault(item, []).append(part)
        return found

    @cached_property
    def _item_grams(self) -> tuple[Indices, Indices]:
        places = np.flatnonzero(self.short.at >= 0)
        number = self.short.at[places]
        unshared = ~self.short.shared[number]
        items = self.part_items[self.part_of[places[unshared]]]
        return unique_pairs(items, number[unshared])

    def n_words(self, part: int) -> int:
        """Words of a part."""
        return int(self.part_edges[part + 1] - self.part_edges[part])

    def is_searchable(self, min_sequences: int) -> Flags:
        """Items (I,) that can be found at all: the others are too short."""
        sequences = np.bincount(self.gram_items, minlength=len(self.names))
        able: Flags = sequences >= min_sequences
        for item in self.part_items[self.whole_parts.places].tolist():
            able[item] |= item in self.answers
        return able

    def save(self, directory: Path) -> None:
        """Write the index as files of arrays."""
        directory.mkdir(parents=True, exist_ok=True)
        about = {"min_item_words": self.min_item_words, "names": self.names}
        path = directory / "items.json"
        path.write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")
        for name in _ARRAYS:
            np.save(directory / f"{name}.npy", _attribute(self, name))

    @classmethod
    def load(cls, directory: Path) -> "ItemIndex":
        """Read what `save` wrote; arrays stay on the disk until they are used."""
        about = read_json(directory / "items.json")
        stored: dict[str, Any] = {
            name: np.asarray(np.load(directory / f"{name}.npy", mmap_mode="r"))
            for name in _ARRAYS
        }

        def group(prefix: str) -> dict[str, Any]:
            return {
                name.removeprefix(f"{prefix}."): array
                for name, array in stored.items()
                if name.startswith(f"{prefix}.")
            }

        index = cls(
            names=[(task, name) for task, name in about["names"]],
            min_item_words=about["min_item_words"],
            words=Words(**group("words")),
            part_items=stored["part_items"],
            part_roles=stored["part_roles"],
            part_edges=stored["part_edges"],
            short=GramIndex(SHORT, **group("short")),
            long=GramIndex(LONG, **group("long")),
            wholes=stored["wholes"],
            whole_parts=Postings(**group("whole_parts")),
        )
        # What would be worked out when it is first needed, and is there already.
        index.__dict__["short_seeds"] = Postings(**group("short_seeds"))
        index.__dict__["long_seeds"] = Postings(**group("long_seeds"))
        for name in ("part_of", "gram_items", "gram_numbers"):
            index.__dict__[name] = stored[name]
        return index


def unique_pairs(left: Indices, right: Indices) -> tuple[Indices, Indices]:
    """The different pairs, in ascending order."""
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    new = np.ones(len(left), np.bool_)
    new[1:] = (left[1:] != left[:-1]) | (right[1:] != right[:-1])
    return left[new], right[new]


def postings(n_numbers: int, numbers: Indices, places: Indices) -> Postings:
    """Postings of (number, place) pairs, places in ascending order."""
    order = np.lexsort((places, numbers))
    offsets = np.zeros(n_numbers + 1, np.int64)
    np.cumsum(np.bincount(numbers, minlength=n_numbers), out=offsets[1:])
    return Postings(offsets, places[order])


def _first_in_parts(index: ItemIndex, grams: GramIndex, unwanted: Flags) -> Postings:
    """Where wanted sequences stand: of each part the first place."""
    places = np.flatnonzero(grams.at >= 0)
    numbers = grams.at[places]
    wanted = ~unwanted[numbers]
    places, numbers = places[wanted], numbers[wanted]
    parts = index.part_of[places]
    order = np.lexsort((places, parts, numbers))
    places, numbers, parts = places[order], numbers[order], parts[order]
    first = np.ones(len(places), np.bool_)
    first[1:] = (numbers[1:] != numbers[:-1]) | (parts[1:] != parts[:-1])
    return postings(len(grams.hashes), numbers[first], places[first])


def _attribute(thing: Any, path: str) -> Any:
    for name in path.split("."):
        thing = getattr(thing, name)
    return thing
