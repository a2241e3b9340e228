"""Laws of the report's pages: narrow enough, honest where there is no figure."""

import pytest

from scratchlm.tokenizer import Tokenizer
from scratchlm.tokenizer.report import build_report
from scratchlm.tokenizer.report_sections import fertility
from scratchlm.tokenizer.sheet import display_width

SOURCES = {
    "a source": ["plain words " * 9, "more of them " * 9],
    "zh": ["中文" * 50] * 2,
}


@pytest.mark.parametrize("compared", [False, True])
def test_no_line_is_wider_than_a_terminal(tokenizer, compared):
    other = Tokenizer.own() if compared else None
    text = build_report(tokenizer, SOURCES, other, "mine", "bytes").as_text()
    assert max(map(display_width, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_where_words_are_not_spaced_there_is_no_fertility():
    assert fertility({"characters_per_word": 100.0, "tokens_per_word": 60.0}) == "–"
    assert fertility({"characters_per_word": 5.0, "tokens_per_word": 1.25}) == "1.25"


def test_one_document_has_no_interval(tokenizer):
    text = build_report(tokenizer, {"x": ["one text alone"]}).as_text()
    [line] = [line for line in text.splitlines() if line.startswith("x ")]
    assert "–" in line and "to" not in line


def test_the_page_draws_each_source(tokenizer):
    html = build_report(tokenizer, SOURCES, Tokenizer.own(), "mine", "bytes").as_html()
    assert html.count("<svg") == 1
    assert "a source" in html and "zh" in html
