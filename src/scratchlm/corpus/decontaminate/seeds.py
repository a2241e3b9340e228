"""Seeds: where in a block of documents an item may stand, by hashes alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scratchlm.corpus.decontaminate.grams import (
    LONG,
    SHORT,
    gram_hashes,
    gram_hashes_at,
)
from scratchlm.corpus.decontaminate.index_build import whole_hashes
from scratchlm.corpus.decontaminate.item_index import ItemIndex
from scratchlm.corpus.dedup.words import Hashes, Indices, Words

MOST_RUNS_OF_A_PART = 64


@dataclass(frozen=True)
class Seeds:
    """Hits in a block: word places and the numbers of what was hit there."""

    places: Indices
    numbers: Indices


def find_seeds(
    index: ItemIndex, words: Words, edges: Indices, owners: Indices
) -> list[Seeds]:
    """Hits by 8 words, by 13 words, by whole short prompts."""
    empty = np.zeros(0, np.int64)
    short = long = whole = Seeds(empty, empty)
    ends = edges[1:][owners]
    hashes = words.hashes
    for n, total in gram_hashes(hashes, (index.min_item_words, SHORT)):
        if n == SHORT:
            short = _inside(*index.short_table.find(total), SHORT, ends)
        if n == index.min_item_words:
            places, _ = index.prefix_table.find(total)
            whole = _find_wholes(index, hashes, places, ends)
    places = short.places[short.places + LONG <= ends[short.places]]
    found, numbers = index.long_table.find(gram_hashes_at(hashes, places, LONG))
    long = Seeds(places[found], numbers)
    return [short, long, whole]


def _find_wholes(
    index: ItemIndex, hashes: Hashes, places: Indices, ends: Indices
) -> Seeds:
    found, numbers = [places[:0]], [places[:0]]
    for n in index.whole_lengths:
        some = places[places + n <= ends[places]]
        totals = whole_hashes(hashes, some, np.full(len(some), n))
        at, number = index.whole_table.find(totals)
        found.append(some[at])
        numbers.append(number)
    return Seeds(np.concatenate(found), np.concatenate(numbers))


def _inside(places: Indices, numbers: Indices, n: int, ends: Indices) -> Seeds:
    """Hits that end before their document does."""
    inside = places + n <= ends[places]
    return Seeds(places[inside], numbers[inside])


def diagonals(
    index: ItemIndex, owners: Indices, seeds: Sequence[Seeds]
) -> Iterator[tuple[int, int, int]]:
    """(document, word of the index, word of the block), one for each stretch of hits
    in a row along a diagonal; of a part in a document at most 64.
    """
    at, place = [], []
    for found, lists in ((seeds[0], index.short_seeds), (seeds[1], index.long_seeds)):
        which, places = lists.expand(found.numbers)
        at.append(found.places[which])
        place.append(places)
    ats, places = np.concatenate(at), np.concatenate(place)
    order = np.lexsort((ats, ats - places))
    ats, places = ats[order], places[order]
    head = np.ones(len(ats), np.bool_)
    head[1:] = (np.diff(ats) > 1) | (np.diff(ats - places) != 0)
    head[1:] |= np.diff(owners[ats]) != 0
    seen: dict[tuple[int, int], int] = {}
    for at_, place_ in sorted(
        zip(ats[head].tolist(), places[head].tolist(), strict=True)
    ):
        key = (int(owners[at_]), int(index.part_of[place_]))
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= MOST_RUNS_OF_A_PART:
            yield key[0], place_, at_


def questions(
    index: ItemIndex, owners: Indices, found: Seeds
) -> Iterator[tuple[int, int, int]]:
    """(document, word of the block, part) for each short prompt."""
    which, parts = index.whole_parts.expand(found.numbers)
    for at, part in zip(found.places[which].tolist(), parts.tolist(), strict=True):
        yield int(owners[at]), at, part
