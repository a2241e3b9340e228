import pytest

from scratchlm.corpus.readers.html import (
    declared_charset,
    main_page_text,
    page_facts,
    plain_text,
    whole_page_text,
)

ARTICLE = """<html lang="en-GB"><head><title>Tides &amp; moons</title>
<script>var x = 1;</script></head><body>
<nav><a href="/">Home</a> <a href="/a">About</a> <a href="/b">Contact</a></nav>
<article><h1>Tides</h1>{}</article><footer>All rights reserved</footer></body></html>"""
PARAGRAPH = """<p>The tide rises twice a day because the moon pulls the water of the
ocean towards itself, and the far side is left behind by the turning earth.</p>"""


def test_the_article_is_found_and_the_navigation_left_out():
    found = main_page_text(ARTICLE.format(PARAGRAPH * 4))
    assert "The tide rises twice a day" in found.text
    assert "Contact" not in found.text and "var x" not in found.text
    assert found.facts == {"title": "Tides & moons", "language": "en"}


@pytest.mark.parametrize(
    "said",
    [
        '<?xml version="1.0" encoding="EUC-JP"?>',
        '<meta charset="EUC-JP">',
        '<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS">',
    ],
)
def test_what_a_page_says_of_its_charset_is_nothing_to_a_page_that_is_decoded(said):
    text = "海は静かで、風は北へ変わった。今日も誰も何も言わなかった。"
    page = f"{said}<html><body><article>{f'<p>{text}</p>' * 8}</article></body></html>"
    assert main_page_text(page).text.startswith(text)


def test_a_page_without_an_article_has_no_main_text_and_is_whole_all_the_same():
    page = "<p>Short &amp; plain.<br>Two</p>"
    assert main_page_text(page).text == ""
    assert whole_page_text(page).text == "Short & plain.\nTwo"


@pytest.mark.parametrize("span", ["9" * 11, "99999", "-1", "x", ""])
def test_an_absurd_colspan_costs_neither_time_nor_text(span):
    table = f"<table><tr><td colspan={span}>a</td><td>b</td></tr></table>"
    found = main_page_text(ARTICLE.format(PARAGRAPH * 4 + table))
    assert "The tide rises" in found.text
    assert len(found.text) < 10_000


def test_the_plain_parser_keeps_blocks_apart_and_scripts_out():
    page = "<h1>A\nb</h1><style>p {}</style><p>c<b>d</b> &lt;e&gt;<li>f<script>x</p>"
    assert plain_text(page) == "A b\ncd <e>\nf"
    assert plain_text("") == ""


def test_preformatted_lines_stand_as_they_are():
    assert plain_text("<p>a\n b</p><pre>def f():\n    return 1</pre>") == (
        "a b\ndef f():\n    return 1"
    )


def test_a_script_of_xhtml_that_closes_itself_hides_nothing():
    assert plain_text("<script src='x'/><title>t</title><p>seen") == "seen"


@pytest.mark.parametrize(
    ("link", "licence"),
    [
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("http://creativecommons.org/licenses/by-nc-nd/3.0/de/", "CC-BY-NC-ND-3.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://example.com/terms", None),
    ],
)
def test_a_licence_counts_where_the_page_gives_it_as_its_own(link, licence):
    page = f'<p>text <a class=x rel="license noopener" href="{link}">licence</a>'
    assert page_facts(page).get("licence") == licence
    assert "licence" not in page_facts(f'<p>cited <a href="{link}">work</a>')


def test_a_page_may_declare_its_charset_in_three_ways():
    assert declared_charset(b'<meta charset="Shift_JIS">') == "Shift_JIS"
    http = b'<meta http-equiv="x" content="text/html; charset=utf-8">'
    assert declared_charset(http) == "utf-8"
    assert declared_charset(b"<?xml version='1.0' encoding='EUC-JP'?>") == "EUC-JP"
    assert declared_charset(b"<p>none") is None
