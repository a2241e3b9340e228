"""Laws of pages: harmless, self-contained, columns set as asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.base.page import esc, number, page, table


@given(st.text())
def test_no_text_becomes_markup_or_a_control_code(text):
    safe = esc(text)
    assert not set('<>"') & set(safe)
    assert all(c.isprintable() or c in "\t\n" or ord(c) > 0x9F for c in safe)


def test_a_page_asks_nobody_for_anything():
    html = page("A title", [("a", "Part")], "<p>body</p>")
    assert "default-src 'none'" in html and "<script" not in html
    assert html.count("http") == html.count("http-equiv")


def test_columns_are_set_right_where_asked_or_where_all_is_numbers():
    cells = table(["a", "b", "c"], [["x", "1 k", 2], ["y", "2 k", 3]], right=(1,))
    head = cells.partition("<tbody>")[0]
    assert [part.count('class="n"') for part in head.split("<th ")[1:]] == [0, 1, 1]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (12345, "12,345"), (0.123456, "0.1235")],
)
def test_numbers_are_written_for_people(value, text):
    assert number(value) == text
