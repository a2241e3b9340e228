import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.xml_text import xml_text

FEED = """<?xml version="1.0" encoding="EUC-JP"?><rss><channel><title>News</title>
<!-- not shown --><item><title>One</title><description>&lt;p&gt;First &lt;b&gt;bold
&lt;/b&gt;&lt;/p&gt;&lt;p&gt;Second&lt;/p&gt;</description></item>
<item><title>Two <em>words</em> more</title></item></channel></rss>"""


def test_elements_are_lines_and_escaped_pages_are_read_as_pages():
    assert xml_text(FEED).text.split("\n") == [
        "News",
        "One",
        "First bold",
        "Second",
        "Two words more",
    ]


def test_of_a_damaged_document_what_can_be_read_is_read():
    found = xml_text("<a><b>one</b><c>two")
    assert found.text == "one\ntwo"
    assert "damaged" in found.repaired and not xml_text(FEED).repaired


def test_entities_are_not_expanded():
    bomb = '<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;&b;">]><a>p &c; q</a>'
    assert "xxx" not in xml_text(bomb).text
    outside = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>p &b; q</a>'
    assert "root:" not in xml_text(outside).text


def test_nesting_deeper_than_the_parser_goes_costs_no_text():
    found = xml_text("<a>" * 5000 + "deep" + "</a>" * 5000)
    assert found.text == "deep" and found.repaired


def test_what_is_no_xml_says_so():
    with pytest.raises(UnreadableError, match="damaged xml"):
        xml_text("no markup at all")
