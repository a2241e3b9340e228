import random
from itertools import pairwise

import numpy as np
import pytest

from scratchlm.corpus.decontaminate.grams import (
    LONG,
    Table,
    gram_hashes,
    gram_hashes_at,
    gram_hashes_of,
    read_words,
    words_of,
)


def words_in(*texts):
    words, edges = words_of([text.encode() for text in texts])
    return [
        [w.decode() for w in read_words(words, int(a), int(b - a))]
        for a, b in pairwise(edges)
    ]


def test_words_are_folded_and_kept_apart_by_document():
    assert words_in("It's  A “Word”", "", "word") == [
        *(["it", "s", "a", "word"], []),
        ["word"],
    ]


@pytest.mark.parametrize("first", [0xC0, 0x391, 0x400])
def test_capitals_of_other_alphabets_are_folded_as_python_does(first):
    for code in range(first, first + 48):
        letter = chr(code)
        if letter.isalpha() and len(letter.lower()) == 1:
            [found] = words_in(f"x{letter}x")
            assert found == [f"x{letter.lower()}x"], hex(code)


def test_a_sign_between_the_capitals_stays_what_it_is():
    assert words_in("a×b ß ÷") == [["a×b", "ß", "÷"]]


def test_sequences_are_equal_if_and_only_if_their_words_are():
    draw = random.Random(1)
    text = " ".join(draw.choices("abc", k=400))
    words, _ = words_of([text.encode()])
    letters = text.split()
    for n, hashes in gram_hashes(words.hashes, range(1, LONG + 1)):
        assert len(hashes) == len(letters) - n + 1
        seen = {}
        for place, value in enumerate(hashes.tolist()):
            gram = tuple(letters[place : place + n])
            assert seen.setdefault(value, gram) == gram
        assert len(seen) == len(set(seen.values()))


def test_hashes_at_some_places_are_those_of_all_places():
    words, _ = words_of([b"the quick brown fox jumps over the lazy dog again"])
    places = np.array([0, 3, 5])
    for n in (1, 4):
        expected = gram_hashes_of(words.hashes, n)[places]
        assert (gram_hashes_at(words.hashes, places, n) == expected).all()


def test_fewer_words_than_asked_for_give_nothing():
    words, _ = words_of([b"two words"])
    assert len(gram_hashes_of(words.hashes, 3)) == 0


def test_a_table_finds_its_own_and_nothing_else():
    draw = np.random.default_rng(0)
    hashes = np.unique(draw.integers(0, 2**63, 3000).astype(np.uint64) * np.uint64(2))
    others = hashes + np.uint64(1)
    mixed = np.concatenate([others, hashes])
    places, numbers = Table(hashes).find(mixed)
    assert places.tolist() == list(range(len(others), len(mixed)))
    assert numbers.tolist() == list(range(len(hashes)))
    places, _ = Table(hashes[:0]).find(mixed)
    assert len(places) == 0
