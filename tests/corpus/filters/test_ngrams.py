"""Laws of repetition: counted by hand, and in C as in Python."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scratchlm import native
from scratchlm.corpus.filters.ngrams import (
    REPEATED_N,
    TOP_N,
    count_repeated,
    repeated_chars,
    repetition_chars,
    top_chars,
)
from scratchlm.corpus.filters.words import split_words

NEVER, ALWAYS = [1e9] * 9, [-1.0] * 9
needs_core = pytest.mark.skipif(native.core is None, reason=native.why)
few_words = st.lists(
    st.sampled_from(["a", "b", "ab", "ba", "aa", "c", "é", "中文"]), max_size=60
)
spaces = st.sampled_from([" ", "\n", "  ", "\r\n", "\u3000"])


def exact(text, form="unicode"):
    """All nine measures by the reference."""
    words = split_words(text, form)
    tops = [top_chars(words, n) for n in TOP_N]
    return tops + [repeated_chars(words, n) for n in REPEATED_N]


def test_the_top_n_gram_is_the_most_frequent_times_its_count():
    words = split_words("to be or not to be that is")
    assert top_chars(words, 2) == 2 * len("to be")
    assert top_chars(words, 8) == len("to be or not to be that is")
    assert top_chars(words, 9) == 0


def test_of_equally_frequent_n_grams_the_first_seen_counts():
    assert top_chars(split_words("aa bb cc d"), 2) == len("aa bb")
    assert top_chars(split_words("d cc bb aa"), 2) == len("d cc")
    assert top_chars(split_words("x y longer words x y longer words"), 2) == 2 * len(
        "x y"
    )


def test_a_repeated_n_gram_is_jumped_over():
    words = split_words("a b c d e a b c d e a b c d e")
    assert repeated_chars(words, 5) == 10
    # b c d e a, … are remembered: nothing is seen again before the second "a b".
    assert repeated_chars(split_words("a b a b a"), 2) == 2
    assert repeated_chars(split_words("a a a a a"), 2) == 4


def test_what_stands_in_a_jump_is_not_remembered():
    # "a b" at 2 is jumped over; "b a" at 1 was remembered, "b c" at 3 was not.
    assert repeated_chars(split_words("a b a b c b c"), 2) == 2 + 0 + 0
    assert repeated_chars(split_words("a b c b c"), 2) == 2


def test_words_joined_by_nothing_may_be_equal_in_other_words():
    assert repeated_chars(["ab", "c", "a", "bc"], 2) == 3
    assert top_chars(["ab", "c", "a", "bc"], 2) == 4


def test_equal_n_grams_need_no_equal_shorter_ones():
    """Six words may be equal where no five are: n = 5 says nothing of n = 6."""
    words = ["a", "b", "c", "d", "e", "fg", "X", "ab", "c", "d", "e", "f", "g"]
    assert repeated_chars(words, 5) == 0
    assert repeated_chars(words, 6) == 7
    assert repetition_chars(" ".join(words), [1, 1, 1] + [0] * 6)[3:] == [0, 7]


def test_repeated_parts_are_counted_after_the_first():
    assert count_repeated(["a", "", "a", "bb", "bb", "bb", ""]) == (4, 5)


@needs_core
@pytest.mark.parametrize("form", ["unicode", "white_space"])
@given(words=few_words, space=spaces)
@example(words=["ab", "c", "a", "bc"] * 3, space=" ")
@example(
    words=["a", "b", "c", "d", "e", "fg", "ab", "c", "d", "e", "f", "g"], space=" "
)
@example(words=["x" * 200, "y" * 127, "z" * 128] * 4, space=" ")
def test_the_core_counts_as_the_reference_does(form, words, space):
    """Each measure in turn is the one that is over its limit, so that it is exact."""
    text, expected = space.join(words), exact(space.join(words), form)
    for i in range(9):
        limits = [1e9] * i + [-1.0] * (9 - i)
        found = repetition_chars(text, limits, form) if text else expected
        assert len(found) == (i + 1 if text else 9) and found[i] == expected[i]


@needs_core
@given(words=few_words, limits=st.lists(st.floats(0, 1), min_size=9, max_size=9))
def test_a_bound_is_never_below_the_count_nor_over_the_limit(words, limits):
    text = "long words all the time " + " ".join(words)
    expected, found = exact(text), repetition_chars(text, limits)
    over = [e / len(text) > limit for e, limit in zip(expected, limits, strict=True)]
    assert len(found) == (over.index(True) + 1 if any(over) else 9)
    for value, count, limit in zip(found, expected, limits, strict=False):
        assert value == count or count < value <= limit * len(text) * (1 + 1e-12)


@needs_core
@given(st.text())
def test_any_text_is_counted_alike(text):
    text += "."
    assert repetition_chars(text, ALWAYS) == exact(text)[:1]
    limits = [1e9, 1e9, 1e9, -1.0] + [0.0] * 5
    assert repetition_chars(text, limits)[3] == exact(text)[3]


@needs_core
def test_long_texts_are_counted_alike():
    """Past the sizes at which tables grow; words of which many repeat."""
    state, words = 1, []
    for _ in range(20_000):
        state = state * 6364136223846793005 % 2**64
        words.append(f"w{state >> 60}" if state >> 63 else "the")
    text, expected = " ".join(words), exact(" ".join(words))
    for i in (0, 2, 3, 8):
        limits = [1e9] * i + [0.0] * (9 - i)
        assert repetition_chars(text, limits)[i] == expected[i]


@needs_core
def test_words_whose_hashes_collide_are_told_apart():
    """Thue-Morse words of 2^11 characters: equal polynomials modulo 2^64, any base."""
    one = "a"
    for _ in range(11):
        one += one.translate(str.maketrans("ab", "ba"))
    other = one.translate(str.maketrans("ab", "ba"))
    text = " ".join([one, other, "x", other, one, "y", one, other])
    expected = exact(text)
    for i in range(9):
        limits = [1e9] * i + [-1.0] * (9 - i)
        assert repetition_chars(text, limits)[i] == expected[i]


def test_half_a_surrogate_pair_is_counted_too(core):
    text = "\ud800 a " * 20
    assert repetition_chars(text, NEVER)[0] >= exact(text)[0]
    assert repetition_chars(text, ALWAYS) == exact(text)[:1]
