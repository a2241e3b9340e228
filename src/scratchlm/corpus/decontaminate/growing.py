"""From a seed to the words that document and item have in common.

A seed fixes how the two lie against each other. Along that diagonal words are
compared: the run of equal ones around the seed is exact, and its span grows over one
or two differing words as long as two equal ones follow. Equal hashes are not enough:
the words are compared as bytes.
"""

from dataclasses import dataclass

import numpy as np

from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.grams import SHORT, read_words
from scratchlm.corpus.decontaminate.item_index import Flags, ItemIndex
from scratchlm.corpus.dedup.words import Words

MOST_DIFFERING = 2


@dataclass(frozen=True)
class View:
    """The words low .. high - 1 of a block: those of one document."""

    words: Words
    low: int
    high: int


@dataclass(frozen=True)
class Grown:
    """An exact run in the part (`first`, `n_words`), where it begins in the block,
    and the grown stretch low .. high - 1 of the block.
    """

    first: int
    n_words: int
    at: int
    low: int
    high: int


def grow(index: ItemIndex, view: View, part: int, place: int, at: int) -> Grown | None:
    """The exact run around a seed, verified, and how far it grows."""
    first, last = int(index.part_edges[part]), int(index.part_edges[part + 1])
    back = min(at - view.low, place - first)
    ahead = min(view.high - at, last - place)
    ours = view.words.hashes[at - back : at + ahead]
    equal = ours == index.words.hashes[place - back : place + ahead]
    differing = np.flatnonzero(~equal)
    after = int(np.searchsorted(differing, back))
    left = int(differing[after - 1]) + 1 if after else 0
    right = int(differing[after]) if after < len(differing) else len(equal)
    n_words = right - left
    at_left, place_left = at - back + left, place - back + left
    if n_words < SHORT or not same_words(index, view, place_left, at_left, n_words):
        return None
    low = len(equal) - _reach(equal[::-1], len(equal) - left)
    high = _reach(equal, right)
    shift = at - back
    return Grown(place_left - first, n_words, at_left, low + shift, high + shift)


def _reach(equal: Flags, end: int) -> int:
    """How far a run that ends before `end` goes on over one or two differing words."""
    while True:
        for gap in range(1, MOST_DIFFERING + 1):
            after = equal[end + gap : end + gap + 2]
            if len(after) == 2 and after.all():
                end += gap
                while end < len(equal) and equal[end]:
                    end += 1
                break
        else:
            return end


def nearest_answer(
    config: DecontaminateConfig, index: ItemIndex, view: View, at: int, part: int
) -> tuple[int, int] | None:
    """(part, word of the block) of the answer that stands nearest to a prompt."""
    reach, n_prompt = config.answer_within_words, index.n_words(part)
    found = []
    for answer in index.answers.get(int(index.part_items[part]), ()):
        n_words = index.n_words(answer)
        place = int(index.part_edges[answer])
        low = max(view.low, at - reach - n_words)
        high = min(view.high, at + n_prompt + reach + n_words)
        hashes, first = view.words.hashes, index.words.hashes[place]
        for start in (low + np.flatnonzero(hashes[low:high] == first)).tolist():
            inside = start + n_words <= high
            overlaps = start < at + n_prompt and at < start + n_words
            if (
                inside
                and not overlaps
                and same_words(index, view, place, start, n_words)
            ):
                gap = at - start - n_words if start < at else start - at - n_prompt
                found.append((gap, answer, start))
    return min(found)[1:] if found else None


def same_words(index: ItemIndex, view: View, place: int, at: int, n_words: int) -> bool:
    """Are some words of the index, from `place` on, those of the block from `at` on?"""
    ours = read_words(view.words, at, n_words)
    return ours == read_words(index.words, place, n_words)
