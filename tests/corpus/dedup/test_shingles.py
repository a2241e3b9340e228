from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.dedup import shingles
from scratchlm.corpus.dedup.shingles import (
    jaccard,
    shingle_blocks,
    shingle_sets,
    unique_shingles,
)

WORDS = ["the", "The", "cat", "x", "abcdefgh", "abcdefghi", "naïve", "日本", "ไทย"]
WORDS += ["don't", "a_b", "“quoted”", "20", "z" * 70, "é" * 40, "€5", "😀", "\x00"]
WORDS += ["ខ្មែរ", "မြန်မာ", "བོད", "ሀ", "Ა"]
UNSPACED = [(0xE00, 0x10C0), (0x1780, 0x1800), (0x3000, 0xE000)]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)


def split_words(text: str) -> list[bytes]:
    """The module's definition of a word, a character at a time."""
    words: list[bytes] = []
    run = b""

    def end() -> None:
        nonlocal run
        words.extend(run[i : i + 64] for i in range(0, len(run), 64))
        run = b""

    for character in text:
        code, data = ord(character), character.encode()
        if character.isascii() and character.isalnum():
            run += data.lower()
        elif any(low <= code < high for low, high in UNSPACED):
            end()
            words.append(data)
        elif code < 0xC0 or 0x2000 <= code < 0x2080:
            end()
        else:
            run += data
    end()
    return words


def shingle_set(text: str) -> set[tuple[bytes, ...]]:
    words = split_words(text)
    if len(words) < 5:
        return {tuple(words)} if words else set()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


@settings(max_examples=30, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_shingles_are_the_runs_of_five_words_of_the_definition(texts):
    expected = [shingle_set(text) for text in texts]
    found = list(unique_shingles(texts))
    assert [len(hashes) for hashes in found] == [len(words) for words in expected]
    for (a, b), (x, y) in zip(pairwise(found), pairwise(expected), strict=True):
        assert jaccard(a, b) == (len(x & y) / len(x | y) if x or y else 0.0)


def test_case_and_punctuation_do_not_matter_and_typographic_marks_neither():
    plain, fancy = unique_shingles(
        ['He said: "it is - after all - late."', "HE SAID “It is – after all – late”"]
    )
    assert jaccard(plain, fancy) == 1.0


def test_a_document_has_the_same_shingles_whatever_stands_beside_it(prose):
    texts = [prose(seed, 300) for seed in range(5)]
    together = list(unique_shingles(texts))
    for text, hashes in zip(texts, together, strict=True):
        (alone,) = unique_shingles([text])
        assert np.array_equal(alone, hashes)


def test_block_size_changes_nothing(prose, monkeypatch):
    texts = [prose(seed, seed * 20) for seed in range(12)]
    whole = list(unique_shingles(texts))
    monkeypatch.setattr(shingles, "BLOCK_BYTES", 100)
    assert len(list(shingle_blocks(texts))) > 5
    for a, b in zip(whole, unique_shingles(texts), strict=True):
        assert np.array_equal(a, b)


def test_a_hash_is_the_same_on_every_machine_and_run():
    (hashes,) = unique_shingles(["one two three four five six"])
    assert hashes.tolist() == [0x362AA75FFBAC7ED0, 0xEF6335E15505E6BA]


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=6))
def test_the_sets_are_those_of_the_reference(texts):
    hashes, offsets = shingle_sets(texts, threads=2)
    sets = [hashes[a:b] for a, b in pairwise(offsets.tolist())]
    assert [list(s) for s in sets] == [list(s) for s in unique_shingles(texts)]


def test_many_equal_and_many_different_shingles_are_sorted_alike(prose):
    texts = ["a " * 50_000, prose(1, 20_000), "b c " * 9_000 + prose(2, 3000), "", "x"]
    hashes, offsets = shingle_sets(texts)
    for (a, b), expected in zip(
        pairwise(offsets.tolist()), unique_shingles(texts), strict=True
    ):
        assert np.array_equal(hashes[a:b], expected)


def test_a_column_has_the_sets_of_its_texts(prose):
    data = [(prose(seed, 20) + "ü").encode() for seed in range(5)]
    column = (np.frombuffer(b"".join(data), np.uint8), np.cumsum([0, *map(len, data)]))
    one, other = shingle_sets(column), shingle_sets([d.decode() for d in data])
    assert np.array_equal(one[0], other[0])
    assert np.array_equal(one[1], other[1])
