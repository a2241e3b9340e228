import io
import zipfile

import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import Limits
from scratchlm.corpus.readers.office import office_module, office_text

LIMITS = Limits(2**24, 200)


def test_paragraphs_and_tables_of_a_docx_come_in_their_order():
    docx = pytest.importorskip("docx")
    document = docx.Document()
    document.add_paragraph("before")
    table = document.add_table(rows=2, cols=2)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = f"c{number}"
    table.rows[1].cells[0].merge(table.rows[1].cells[1])
    document.add_paragraph("after")
    buffer = io.BytesIO()
    document.save(buffer)
    found = office_text("docx", buffer.getvalue(), LIMITS)
    assert found.text.split("\n") == ["before", "c0\tc1", "c2 c3", "after"]


def test_headings_paragraphs_and_cells_of_an_odt_come_in_their_order():
    opendocument = pytest.importorskip("odf.opendocument")
    from odf.table import Table, TableCell, TableRow
    from odf.text import H, P

    document = opendocument.OpenDocumentText()
    document.text.addElement(H(outlinelevel=1, text="Title"))
    table, row, cell = Table(), TableRow(), TableCell()
    cell.addElement(P(text="in a cell"))
    row.addElement(cell)
    table.addElement(row)
    document.text.addElement(table)
    document.text.addElement(P(text="the end"))
    buffer = io.BytesIO()
    document.write(buffer)
    found = office_text("odt", buffer.getvalue(), LIMITS)
    assert found.text.split("\n") == ["Title", "in a cell", "the end"]


def test_a_row_of_a_sheet_is_a_line():
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["name", None, 3])
    book.active.append([None, None])
    book.create_sheet().append(["second sheet"])
    buffer = io.BytesIO()
    book.save(buffer)
    found = office_text("xlsx", buffer.getvalue(), LIMITS)
    assert found.text == "name\t\t3\nsecond sheet"


def test_rtf_gives_its_text():
    pytest.importorskip("striprtf")
    data = rb"{\rtf1\ansi\ansicpg1252 {\b Stra\'dfe} \u8364?5\par next}"
    assert office_text("rtf", data, LIMITS).text == "Straße €5\nnext"


def test_a_format_whose_reader_is_not_installed_is_refused_with_the_remedy():
    with pytest.raises(
        UnreadableError, match=r"needs sheets: pip install 'scratchlm\["
    ):
        office_module("no_such_module_of_anyone", "sheets")


def test_a_file_that_is_a_bomb_is_not_opened():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(2**26))
    with pytest.raises(UnreadableError, match="unpacks to more"):
        office_text("docx", buffer.getvalue(), LIMITS)
