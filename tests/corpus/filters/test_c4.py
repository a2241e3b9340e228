"""Laws of C4's rules: lines go one by one, and a document with what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.c4 import (
    doomed_c4,
    doomed_paragraphs,
    judge_c4,
    judge_paragraphs,
)
from scratchlm.corpus.filters.config import C4Config, ParagraphConfig
from scratchlm.corpus.rule import Dropped

FIVE = [f"This is sentence {n}." for n in range(5)]


def judge(text, **settings):
    """The text that is kept, or the reason in brackets."""
    verdict = judge_c4(
        Document("d", text, "s", {"k": 1}), C4Config(**settings), "unicode"
    )
    if isinstance(verdict, Dropped):
        return f"({verdict.reason})"
    assert (verdict.id, verdict.source, verdict.metadata) == ("d", "s", {"k": 1})
    return verdict.text


def kept(line, **settings):
    """Is a line kept among five that are?"""
    return judge("\n".join([*FIVE, line]), **settings) == "\n".join([*FIVE, line])


def test_sentences_pass_as_they_are():
    text = "\n".join(FIVE)
    document = Document("d", text, "s")
    assert judge_c4(document, C4Config(), "unicode") is document


@pytest.mark.parametrize(
    ("line", "stays"),
    [
        ("Three words here.", True),
        ("Three words here", False),
        ('He said "yes!"', True),
        ("It's the boys'", True),
        ("To be continued...", False),
        ("Two words.", False),
        ("Needs a browser with JavaScript enabled.", False),
        ("We make use of cookies here.", False),
        ("Read our Privacy Policy now.", False),
        ("These are our terms of service.", True),
        ("Here stands " + "x" * 1000 + " word.", True),
        ("Here stands " + "x" * 1001 + " word.", False),
    ],
)
def test_a_line_is_kept_or_goes(line, stays):
    assert kept(line) is stays


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Then comes Lorem Ipsum again.", "(lorem ipsum)"),
        ("Then comes a { in code.", "(curly bracket)"),
        ("A lorem[1] ipsum[2] text.", "(lorem ipsum)"),
        ("A lorem[1] ip[edit]sum text.", "(lorem ipsum)"),
        ("lorem ipsum in a menu", None),
        ("{ in a menu", None),
        ("Javascript { is dropped first.", None),
        ("Our privacy policy { drops the document.", "(curly bracket)"),
    ],
)
def test_a_document_goes_with_what_a_kept_line_says(line, reason):
    found = judge("\n".join([*FIVE, line]))
    assert found == reason if reason else not found.startswith("(")


def test_citations_go_and_words_are_counted_before():
    assert kept("This is so[edit].") is False
    assert judge("\n".join([*FIVE, "So it[12] is[].[citation needed]"])).endswith(
        "\nSo it is."
    )
    # "[1] [2] go." has three words; the line is not stripped a second time.
    assert judge("\n".join(["[1] [2] go.", *FIVE])).startswith("go.\nThis")
    assert judge("\n".join([*FIVE, "It ends here. [1]"])) == "\n".join(FIVE)
    assert "[1]" in judge("\n".join([*FIVE, "See [1] there now."]), citations=False)


def test_without_the_rule_of_end_marks_any_line_may_end():
    assert kept("No mark stands here", end_marks=False)
    assert kept("It goes on...", end_marks=False)


def test_sentences_are_counted_over_all_lines():
    assert judge("It is one. It is two. It is three. It is four. It is five.") != ""
    assert (
        judge("It is one. It is two.\nIt is three. It is 4.") == "(too few sentences)"
    )
    assert judge("", min_sentences=0) == ""
    assert judge("word", min_sentences=0) == ""


def test_lines_end_at_every_line_end_of_unicode():
    text = "\u2028".join(FIVE) + "\x0b\x85 menu \x1c"
    assert judge(text) == "\n".join(FIVE)
    assert judge("\r\n".join(FIVE)) == "\n".join(FIVE)


@given(st.lists(st.sampled_from([*FIVE, "menu", " a b c. ", "x y.", "a{"]), max_size=9))
def test_filtering_twice_is_filtering_once(lines):
    once = judge("\n".join(lines))
    assert once.startswith("(") or judge(once) == once


def test_a_citation_at_the_beginning_is_the_exception():
    """As published: the blank behind it stays, and the words were counted with it."""
    once = judge("\n".join([*FIVE, "[1] is so."]))
    assert once.endswith("\n is so.") and judge(once) == "\n".join(FIVE)


@given(st.text())
def test_no_text_makes_it_fail(text):
    kept = judge(text, min_sentences=0, min_words_per_line=0, end_marks=False)
    assert kept.startswith("(") or kept == kept.strip()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"min_sentences": 1},
        {"min_sentences": 0},
        {"min_sentences": 0, "end_marks": 0},
    ],
)
def test_the_doomed_text_is_dropped_or_changed(settings):
    text = doomed_c4(C4Config(**settings))
    assert judge(text, **settings) != text


@pytest.mark.parametrize(
    ("lengths", "passes"),
    [((200, 200, 200), True), ((200, 199, 200), False), ((999, 999), False)],
)
def test_enough_lines_must_be_long(lengths, passes):
    document = Document("d", "\n".join("x" * n for n in lengths), "s")
    verdict = judge_paragraphs(document, ParagraphConfig(), "unicode")
    assert (verdict is document) is passes


@pytest.mark.parametrize("min_chars", [1, 200])
def test_the_doomed_text_has_too_few_paragraphs(min_chars):
    config = ParagraphConfig(min_chars=min_chars, min_paragraphs=1)
    document = Document("d", doomed_paragraphs(config), "s")
    assert isinstance(judge_paragraphs(document, config, "unicode"), Dropped)
