import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.html import (
    HtmlExtractor,
    declared_charset,
    plain_text,
)

ARTICLE = """<html><head><title>Tides</title><script>var x = 1;</script></head><body>
<nav><a href="/">Home</a> <a href="/a">About</a> <a href="/b">Contact</a></nav>
<article><h1>Tides</h1>{}</article><footer>All rights reserved</footer></body></html>"""
PARAGRAPH = """<p>The tide rises twice a day because the moon pulls the water of the
ocean towards itself, and the far side is left behind by the turning earth.</p>"""


@pytest.fixture(scope="module")
def extractor():
    with HtmlExtractor(timeout_s=10) as extractor:
        yield extractor


def test_the_article_is_found_and_the_navigation_left_out(extractor):
    text = extractor.extract(ARTICLE.format(PARAGRAPH * 4))
    assert "The tide rises twice a day" in text
    assert "Contact" not in text and "var x" not in text
    assert extractor.n_fallback == 0


def test_a_page_without_an_article_is_read_by_the_plain_parser(extractor):
    before = extractor.n_fallback
    assert extractor.extract("<p>Short &amp; plain.<br>Two</p>") == (
        "Short & plain.\nTwo"
    )
    assert extractor.n_fallback == before + 1


def test_a_page_on_which_both_parsers_hang_is_unreadable_and_the_next_is_read():
    page = "<table>" + "<tr><td colspan=3>cell" * 20_000
    with HtmlExtractor(timeout_s=0.001) as extractor:
        with pytest.raises(UnreadableError, match="takes too long"):
            extractor.extract(page)
        extractor.timeout_s = 60
        assert extractor.extract("<p>next") == "next"


def test_the_plain_parser_keeps_blocks_apart_and_scripts_out():
    page = "<h1>A\nb</h1><style>p {}</style><p>c<b>d</b> &lt;e&gt;<li>f<script>x</p>"
    assert plain_text(page) == "A b\ncd <e>\nf"
    assert plain_text("") == ""


def test_a_page_may_declare_its_charset_in_three_ways():
    assert declared_charset(b'<meta charset="Shift_JIS">') == "Shift_JIS"
    http = b'<meta http-equiv="x" content="text/html; charset=utf-8">'
    assert declared_charset(http) == "utf-8"
    assert declared_charset(b"<?xml version='1.0' encoding='EUC-JP'?>") == "EUC-JP"
    assert declared_charset(b"<p>none") is None
