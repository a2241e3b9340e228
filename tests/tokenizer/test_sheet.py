"""Laws of sheets: one content, four forms; no word from outside becomes markup."""

import json
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.base.errors import UserError
from scratchlm.base.svg import Row, dot_plot
from scratchlm.tokenizer.sheet import (
    Drawing,
    Section,
    Sheet,
    Table,
    check_form,
    display_width,
    markdown_table,
    show_token,
    table_lines,
    wrap_cells,
    write_sheet,
)

EVIL = "<script>x|y</script>"
TABLE = Table("Things", ("name", "size"), ((EVIL, "1"), ("中文", "22")), (1,))


@pytest.fixture
def sheet():
    drawing = Drawing("Dots", dot_plot("Dots", [Row("a", 1.0)], x_label="x"))
    return Sheet("Title", (Section("Part", ("Some words.", TABLE, drawing)),), {"n": 1})


def test_columns_stand_under_each_other_whatever_the_script():
    lines = table_lines(TABLE)
    assert {display_width(line) for line in lines[1:]} == {display_width(lines[1])}
    assert lines[2].endswith(" 22")


def test_every_form_holds_the_same_cells(sheet):
    for text in (sheet.as_text(), sheet.as_markdown()):
        assert "中文" in text and "22" in text and "Some words." in text
    assert "22" in sheet.as_html()


def test_nothing_from_outside_is_markup(sheet):
    html = sheet.as_html()
    assert "<script" not in html and "&lt;script" in html
    assert "http" not in html.replace("http-equiv", "")
    row = markdown_table(TABLE).splitlines()[2]
    assert row.count("|") - row.count("\\|") == 3


def test_the_file_name_asks_for_the_form(sheet, tmp_path):
    for form in ("html", "md", "json", "svg"):
        write_sheet(tmp_path / f"out.{form}", sheet)
    assert json.loads((tmp_path / "out.json").read_text()) == {"n": 1}
    assert ET.parse(tmp_path / "out.svg").getroot().tag.endswith("svg")
    assert (tmp_path / "out.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "out.md").read_text().startswith("# Title")


def test_a_name_that_asks_for_nothing_known_is_refused(sheet, tmp_path):
    with pytest.raises(UserError, match=r"\.html"):
        check_form(tmp_path / "out.pdf")
    bare = Sheet("Title", ())
    with pytest.raises(UserError, match="nothing to draw"):
        write_sheet(tmp_path / "out.svg", bare)


@given(st.text(alphabet="ab 中", max_size=60), st.integers(4, 20))
def test_wrapping_loses_no_character_and_fits(text, width):
    lines = wrap_cells(text, width)
    assert all(display_width(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_last_column_too_wide_is_wrapped():
    table = Table("t", ("id", "token"), (("1", "x" * 200),))
    assert max(map(len, table_lines(table))) <= 80
    assert "".join(table_lines(table)).count("x") == 200


@pytest.mark.parametrize(
    ("token", "shown"),
    [(b" the", "' the'"), (b"\xe4\xb8", "b'\\xe4\\xb8'"), (b"\x1b", "'\\x1b'")],
)
def test_a_token_is_shown_so_that_it_can_be_typed(token, shown):
    assert show_token(token) == shown
