"""Laws of FineWeb's rules: each strikes just past its threshold."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import FineWebConfig
from scratchlm.corpus.filters.fineweb import doomed_fineweb, judge_fineweb
from scratchlm.corpus.rule import Dropped

LINE = "A line of more than thirty characters, number"


def judge(text, **settings):
    """The reason, or None where the document passes as it is."""
    document = Document("d", text, "s")
    verdict = judge_fineweb(document, FineWebConfig(**settings), "white_space")
    assert isinstance(verdict, Dropped) or verdict is document
    return verdict.reason if isinstance(verdict, Dropped) else None


def test_prose_passes():
    assert judge("\n".join(f"{LINE} {n}." for n in range(20))) is None


@pytest.mark.parametrize(
    ("n_ended", "mark", "reason"),
    [
        (3, ".", None),
        (2, ".", "too few lines end a sentence"),
        (25, "…", "too few lines end a sentence"),
        (25, ":", "too few lines end a sentence"),
        (3, "。", None),
        (25, ". ", "too few lines end a sentence"),
    ],
)
def test_lines_must_end_sentences(n_ended, mark, reason):
    lines = [f"{LINE} {n}{mark if n < n_ended else ''}" for n in range(25)]
    assert judge("\n".join(lines)) == reason


def test_a_carriage_return_hides_the_mark():
    assert judge(f"{LINE}.\r\n" * 9) == "too few lines end a sentence"


def test_short_lines_are_those_up_to_thirty_characters():
    short, long = "x " * 14 + "y.", "x " * 15 + "y."  # 30 and 32
    limit = {"max_repeated_char_ratio": inf}
    assert judge("\n".join([short] * 67 + [long] * 33), **limit) is None
    assert (
        judge("\n".join([short] * 68 + [long] * 32), **limit) == "too many short lines"
    )


def test_repeated_lines_are_a_share_of_the_text_without_newlines():
    fits = ["abcd" * 9 + "."] * 2 + ["a " * 1813 + "."]  # 37 of 3701
    assert judge("\n".join(fits)) is None
    over = [fits[0], fits[0], "a " * 1812 + "."]  # 37 of 3699
    assert judge("\n".join(over)) == "too much text in repeated lines"
    assert judge("\n\n\n".join(over)) == "too much text in repeated lines"


def test_newlines_are_counted_for_each_word(core):
    words = " ".join(f"longword{n}" for n in range(9))
    assert judge(f"{words} last." + "\n" * 3) is None
    assert judge(f"{words} last." + "\n" * 4) == "too many newlines"


@pytest.mark.parametrize("text", ["", "\n\n", " \n\t\n", "\u3000"])
def test_what_is_blank_is_empty(text):
    assert judge(text) == "empty"


@given(st.text())
def test_no_text_makes_it_fail(text):
    judge(text, min_end_mark_ratio=0, max_short_line_ratio=inf)


@pytest.mark.parametrize("settings", [{}, {"min_end_mark_ratio": 0}])
def test_the_doomed_text_is_dropped(settings):
    assert judge(doomed_fineweb(FineWebConfig(**settings)), **settings)
    off = {"min_end_mark_ratio": 0, "max_newline_ratio": inf}
    assert judge(doomed_fineweb(FineWebConfig(**off)), **off) == "empty"
