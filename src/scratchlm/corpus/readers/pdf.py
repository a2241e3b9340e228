"""The text of a PDF, page after page, by pdfium.

Lines of a paragraph are joined where the next one plainly goes on: it begins with a
small letter, or the line ends in a hyphen that pdfium knows to be one of line ends.
"""

import re
from collections.abc import Iterator
from typing import Any

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.extracted import Extracted

_SOFT_HYPHEN = re.compile("(?:\ufffe|\x02|\u00ad)[ ]*\n?")
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_A-Z])")
NO_TEXT = "PDF without text (images only, or empty)"


def pdf_text(data: bytes, reflow: bool = True) -> Extracted:
    """All text, pages apart by a blank line.

    Raises:
        UnreadableError: encrypted, damaged, or without any text.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower() or "security" in str(error).lower():
            raise UnreadableError("encrypted PDF") from None
        raise UnreadableError("damaged PDF") from None
    try:
        pages = list(_pages(document))
        facts = _facts(document)
    finally:
        document.close()
    texts = [reflowed(page) if reflow else page for page in pages]
    text = "\n\n".join(text for text in texts if text)
    if not text:
        raise UnreadableError(NO_TEXT)
    empty = sum(not text for text in texts)
    return Extracted(text, facts, {"pdf_pages_without_text": empty} if empty else {})


def reflowed(page: str) -> str:
    """The lines of a page with those joined that are one sentence's."""
    page = _BROKEN_WORD.sub("", page)
    lines = page.split("\n")
    joined = lines[:1]
    for line in lines[1:]:
        before = joined[-1]
        if before and line[:1].islower() and before[-1:] not in ".!?:":
            joined[-1] = f"{before} {line}"
        else:
            joined.append(line)
    return "\n".join(joined)


def _pages(document: Any) -> Iterator[str]:
    import pypdfium2

    for number in range(len(document)):
        try:
            page = document[number]
            text_page = page.get_textpage()
            text = text_page.get_text_bounded()
            text_page.close()
            page.close()
        except pypdfium2.PdfiumError:
            text = ""  # a damaged page; the others are read
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = _SOFT_HYPHEN.sub("", text).replace("\0", "")
        yield "\n".join(line.rstrip() for line in text.split("\n")).strip("\n ")


def _facts(document: Any) -> dict[str, str]:
    title = document.get_metadata_dict().get("Title", "").strip()
    return {"title": title} if title else {}
