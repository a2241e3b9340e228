"""Laws of words: white space parts them; where a script has none, syllables do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm import native
from scratchlm.corpus.filters.words import (
    WordCounts,
    count_words,
    is_plain,
    split_words,
    word_counts,
    word_table,
)

SCRIPTS = (
    "ab .,#…\n\t\x00\x1c\x85\u3000\xa0é中々ひーガｶกิ่ๆ๑ខ្មមြ１1𠀀-·\u0301\u200b\U0010ffff"
)
needs_core = pytest.mark.skipif(native.core is None, reason=native.why)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one  two\nthree", ["one", "two", "three"]),
        ("don't stop—now", ["don't", "stop—now"]),
        ("今日はabc。", ["今", "日", "は", "abc。"]),
        ("コンピュータを使う", ["コンピュータ", "を", "使", "う"]),
        ("ภาษา ง่าย 12", ["ภ", "า", "ษ", "า", "ง่", "า", "ย", "12"]),
        ("日\u0301本", ["日\u0301", "本"]),
        ("가나 다라", ["가나", "다라"]),
        ("", []),
        ("\n\u3000 \x1c", []),
    ],
)
def test_words_are_as_people_would_read_them(text, words):
    assert split_words(text) == words


@given(st.text())
def test_where_scripts_have_blanks_words_stand_between_white_space(text):
    if is_plain(text):
        assert split_words(text) == text.split()
    assert split_words(text, "white_space") == text.split()


@given(st.text(alphabet=SCRIPTS))
def test_words_hold_all_that_is_no_white_space_in_order(text):
    words = split_words(text)
    assert "".join(words) == "".join(text.split())
    assert all(words)
    assert " ".join(words).split() == words


@given(st.text(alphabet=SCRIPTS))
def test_a_boundary_of_white_space_is_a_boundary_of_words(text):
    parted = [word for part in text.split() for word in split_words(part)]
    assert split_words(text) == parted


@needs_core
@pytest.mark.parametrize("form", ["unicode", "white_space"])
@given(text=st.one_of(st.text(alphabet=SCRIPTS), st.text()))
def test_the_core_counts_as_the_reference_does(form, text):
    assert count_words(text, form) == word_counts(split_words(text, form))


@needs_core
def test_the_core_reads_every_code_point_as_python_does():
    for first in range(0, 0x40000, 0x1000):
        codes = range(first, first + 0x1000)
        text = " x".join(chr(c) for c in codes if not 0xD800 <= c < 0xE000)
        assert count_words(text) == word_counts(split_words(text))


def test_a_word_is_spelled_if_any_character_is_no_symbol(core):
    counts = count_words("Hello, – ... (!) 42 １ a1 \x85 …")
    assert counts == WordCounts(8, 3, len("Hello,") + len("42") + len("a1"), 2)


def test_half_a_surrogate_pair_is_counted_too(core):
    assert count_words("half \ud800 pair") == WordCounts(3, 3, 9, 2)


def test_planes_without_letters_stay_without_them():
    """The table ends at 0x40000: nothing behind it is a letter or white space."""
    text = "".join(map(chr, range(0x40000, 0x110000, 7)))
    assert not any(map(str.isalpha, text)) and text.split() == [text]
    assert len(word_table("unicode")) == 0x110000
