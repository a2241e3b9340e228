"""The text of docx, odt, rtf and xlsx files, by kept readers (the extra `office`)."""

import importlib
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.epub import check_members
from scratchlm.corpus.readers.expand import Limits
from scratchlm.corpus.readers.extracted import Extracted


def office_text(kind: str, data: bytes, limits: Limits) -> Extracted:
    """The text of a file of kind docx, odt, rtf or xlsx; tables a row a line.

    Raises:
        UnreadableError: no zip, a bomb, or its reader is not installed.
        Exception: whatever these readers raise on what is damaged inside.
    """
    if kind == "rtf":
        return _rtf(data)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            check_members(archive, len(data), limits)
    except zipfile.BadZipFile:
        raise UnreadableError(f"damaged {kind} file") from None
    return {"docx": _docx, "odt": _odt, "xlsx": _xlsx}[kind](data)


def office_module(name: str, package: str) -> Any:
    """A module of the extra `office`.

    Raises:
        UnreadableError: not installed; how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        reason = f"needs {package}: pip install 'scratchlm[office]'"
        raise UnreadableError(reason) from None


def _docx(data: bytes) -> Extracted:
    document = office_module("docx", "python-docx").Document(BytesIO(data))
    lines = _docx_lines(document)
    title = document.core_properties.title
    return Extracted("\n".join(lines), {"title": title} if title else {})


def _docx_lines(block: Any) -> Iterator[str]:
    """Paragraphs and tables in the order in which they stand."""
    for item in block.iter_inner_content():
        if hasattr(item, "rows"):
            for row in item.rows:
                cells = (" ".join(_docx_lines(cell)) for cell in _once(row.cells))
                yield "\t".join(cells)
        else:
            yield item.text


def _once(cells: Any) -> Iterator[Any]:
    """Cells that were merged are given once."""
    before = None
    for cell in cells:
        if before is None or cell._tc is not before._tc:
            yield cell
        before = cell


def _odt(data: bytes) -> Extracted:
    opendocument = office_module("odf.opendocument", "odfpy")
    teletype = office_module("odf.teletype", "odfpy")
    document = opendocument.load(BytesIO(data))
    lines = [
        teletype.extractText(node)
        for node in _walk(document.text)
        if node.qname[1] in ("p", "h")
    ]
    return Extracted("\n".join(lines))


def _walk(node: Any) -> Iterator[Any]:
    """Elements in the order in which they stand, paragraphs not entered."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if not hasattr(node, "qname"):
            continue
        yield node
        if node.qname[1] not in ("p", "h"):
            waiting.extend(reversed(node.childNodes))


def _rtf(data: bytes) -> Extracted:
    striprtf = office_module("striprtf.striprtf", "striprtf")
    text = striprtf.rtf_to_text(data.decode("latin-1"), errors="replace")
    return Extracted(text.replace("\r\n", "\n"))


def _xlsx(data: bytes) -> Extracted:
    openpyxl = office_module("openpyxl", "openpyxl")
    book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True)
    lines = []
    for sheet in book.worksheets:
        for row in sheet.iter_rows(values_only=True):
            cells = ["" if value is None else str(value) for value in row]
            line = "\t".join(cells).rstrip("\t")
            if line.strip():
                lines.append(line)
    return Extracted("\n".join(lines))
