"""Laws of one's own line rules: what they name goes, the rest stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import LineConfig
from scratchlm.corpus.filters.lines import doomed_lines, judge_lines
from scratchlm.corpus.rule import Dropped


def judge(text, **settings):
    """The text that is kept, or the reason in brackets."""
    document = Document("d", text, "s")
    verdict = judge_lines(document, LineConfig(**settings), "unicode")
    return f"({verdict.reason})" if isinstance(verdict, Dropped) else verdict.text


def test_lines_that_match_go_and_nothing_else():
    text = "a\nShare this\n\n b \nshare that"
    assert judge(text, drop_lines=("^Share",)) == "a\n\n b \nshare that"
    assert judge(text, drop_lines=("(?i)^share", "b")) == "a\n"


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({"min_chars": 3}, "one two\n\nthree four five\n"),
        ({"max_chars": 7}, "a\none two\n\n"),
        ({"min_words": 2}, "one two\n\nthree four five\n"),
        ({"min_words": 3}, "\nthree four five\n"),
    ],
)
def test_limits_pass_what_equals_them_and_blank_lines(settings, left):
    assert judge("a\none two\n\nthree four five\n", **settings) == left


def test_a_document_goes_with_its_pattern_or_when_little_is_left():
    assert judge("a\nsecret", drop_documents=("^x", "sec.et")) == (
        "(a pattern of drop_documents)"
    )
    assert judge("x\n\nx", drop_lines=("x",)) == "(no line left)"
    assert (
        judge("xxxx\ny", drop_lines=("x",), min_kept_ratio=0.5) == "(too little left)"
    )
    assert judge("xxxx\nyyyyy", drop_lines=("x",), min_kept_ratio=0.5) == "yyyyy"


@given(st.text(alphabet="ab \n"), st.integers(0, 4), st.integers(1, 6))
def test_filtering_twice_is_filtering_once(text, least, most):
    settings = {"min_chars": least, "max_chars": most, "drop_lines": ("aa",)}
    once = judge(text, **settings)
    assert once.startswith("(") or judge(once, **settings) == once


@pytest.mark.parametrize(
    "settings",
    [
        {"min_chars": 2},
        {"min_words": 2},
        {"max_chars": 10},
        {"drop_lines": ("^Share",), "canary": "Share"},
    ],
)
def test_the_doomed_text_never_passes_unchanged(settings):
    text = doomed_lines(LineConfig(**settings))
    assert judge(text, **settings) != text


def test_patterns_alone_doom_nothing_that_is_known():
    assert doomed_lines(LineConfig(drop_lines=("^Share",))) is None
