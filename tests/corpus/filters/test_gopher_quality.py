"""Laws of Gopher's quality rules: each strikes just past its threshold, in order."""

from math import inf

import pytest

from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import GopherQualityConfig
from scratchlm.corpus.filters.gopher_quality import doomed_quality, judge_quality
from scratchlm.corpus.rule import Dropped

PROSE = "the cat and dogs with " * 12  # 60 words
pytestmark = pytest.mark.usefixtures("core")


def judge(text, words="white_space", **settings):
    """The reason, or None where the document passes as it is."""
    document = Document("d", text, "s")
    verdict = judge_quality(document, GopherQualityConfig(**settings), words)
    assert isinstance(verdict, Dropped) or verdict is document
    return verdict.reason if isinstance(verdict, Dropped) else None


def test_prose_passes():
    assert judge(PROSE) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("the and " * 25, None),
        ("the and " * 24 + "the", "too few words"),
        ("the and " * 24 + "the ,,, …", "too few words"),
        ("the and\n" * 50_000, None),
        ("the and\n" * 50_000 + "x", "too many words"),
        ("the and ab " + "abc " * 50, "words too short"),
        ("the and abcd ab " + "abc " * 50, None),
        ("the and " + "a" * 24 + " abcdefghij" * 60, None),
        ("the and " + "a" * 24 + " abcdefghijk" * 60, "words too long"),
        ("the and for you " * 25 + "#" * 10, None),
        ("the and for you " * 25 + "#" * 11, "too many hashes"),
        ("the and for " * 30 + "… " + "... " * 9 + "end", None),
        ("the and for " * 30 + "… " + "... " * 10 + "end", "too many ellipses"),
        ("- the and for you\n" * 18 + "the and for you\n" * 2, None),
        ("- the and for you\n" * 19 + "the and for you\n" * 2, "bullets begin"),
        (" • these and others of yours\n" * 40, "bullets begin"),
        ("the and for 123 456 " * 20, "too few words with letters"),
        ("the and for you 345 " * 20, None),
        ("the for you are not here " * 10, "too few stop words"),
        ("The And for you are not " * 10, "too few stop words"),
        ("the for you are not with, " * 10, "too few stop words"),
        ("the for you are not with " * 10, None),
        ("x" * 3 + " for you are not" * 200 + " the with", None),
    ],
)
def test_a_rule_strikes_past_its_threshold_and_not_at_it(text, reason):
    found = judge(text)
    assert found is None if reason is None else found.startswith(reason)


def test_lines_that_end_in_ellipses_are_counted_with_blank_ones():
    line = "the and for you are here to stay with us forever and ever"
    assert judge(f"{line}...\n" * 3 + f"{line}\n" * 7) is None
    text = f"{line}...  \n" * 4 + f"{line}\n" * 7
    assert judge(text) == "ellipses end too many lines"
    assert judge(text + "\n\n\n") is None  # 4 of 14


def test_the_first_rule_broken_is_the_reason():
    assert judge("#" * 100) == "too few words"
    assert judge("a b " * 50 + "#" * 100) == "words too short"


@pytest.mark.parametrize("text", ["", " \n\t", "\x00", "...", "\n" * 100])
def test_what_has_no_words_never_passes(text):
    off = {"min_words": 0, "min_stop_words": 0, "min_alphabetic_word_ratio": 0}
    assert judge(text) == "too few words"
    assert judge(text, **off) in ("no words", "too many ellipses", None)
    if not text.strip():
        assert judge(text, **off) == "no words"


def test_line_ends_of_windows_change_nothing():
    texts = [PROSE.replace("with ", "with\n"), "- the and for you\n" * 40]
    for text in texts:
        assert judge(text) == judge(text.replace("\n", "\r\n"))


def test_stop_words_are_whole_words_wherever_they_stand():
    filler = "lorem ipsum dolor " * 100
    assert judge(filler + "the have") is None
    assert judge(filler + "there haven") == "too few stop words"
    # A word that begins within the first 400 characters and ends behind them.
    long = "x" * 396 + " be" + "yond " + "and " + filler
    assert judge(long, max_mean_word_chars=inf) == "too few stop words"


def test_words_of_scripts_without_blanks_are_found_between_them():
    text = "猫は魚の上に" * 20
    settings = {"min_mean_word_chars": 1, "stop_words": ("は", "の")}
    assert judge(text, "unicode", **settings) is None
    assert judge(text, "white_space", **settings) == "too few words"
    assert judge(text, "unicode", min_mean_word_chars=1) == "too few stop words"


@pytest.mark.parametrize(
    "settings", [{}, {"min_words": 0}, {"min_words": 0, "max_words": inf}]
)
def test_the_doomed_text_is_dropped(settings):
    assert judge(doomed_quality(GopherQualityConfig(**settings)), **settings)
