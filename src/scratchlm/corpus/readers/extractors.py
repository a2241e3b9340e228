"""Which extractor reads which kind; this runs in a process that may be killed."""

from collections.abc import Callable, Mapping
from typing import Any

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.epub import epub_text
from scratchlm.corpus.readers.expand import Limits
from scratchlm.corpus.readers.extracted import NO_MEMORY, Extracted
from scratchlm.corpus.readers.html import main_page_text, whole_page_text
from scratchlm.corpus.readers.mail import mail_text
from scratchlm.corpus.readers.office import office_text
from scratchlm.corpus.readers.pdf import pdf_text
from scratchlm.corpus.readers.xml_text import xml_text

PAGES = ("html", "html_plain", "xml")
"""Kinds of which the extractor gets UTF-8 text, not the file's own bytes."""
KINDS = ("html", "xml", "pdf", "epub", "mail", "docx", "odt", "rtf", "xlsx")
"""Kinds of files whose text has to be extracted."""

Options = Mapping[str, Any]


def extract(kind: str, data: bytes, options: Options) -> Extracted:
    """The text of one page, book, message or file.

    `options`: `max_bytes` and `max_expansion` of what is zipped, `reflow_pdf`.

    Raises:
        UnreadableError: with the reason why there is none.
        Exception: the libraries below promise nothing about damaged files.
    """
    if kind in PAGES:
        return _PAGE_READERS[kind](data.decode("utf-8"))
    if kind == "pdf":
        return pdf_text(data, options["reflow_pdf"])
    if kind == "mail":
        return mail_text(data)
    limits = Limits(options["max_bytes"], options["max_expansion"])
    if kind == "epub":
        return epub_text(data, limits)
    return office_text(kind, data, limits)


def answer(kind: str, data: bytes, options: Options) -> dict[str, Any]:
    """What `extract` gives as plain JSON; a failure is `{"failed": reason}`."""
    try:
        found = extract(kind, data, options)
    except UnreadableError as error:
        return {"failed": str(error)}
    except MemoryError:
        return {"failed": NO_MEMORY}
    except Exception as error:  # the next page must be read, whatever this one did
        return {"failed": f"damaged {kind} ({type(error).__name__})"}
    return {
        "text": found.text,
        "facts": dict(found.facts),
        "notes": dict(found.notes),
        "repaired": found.repaired,
    }


_PAGE_READERS: dict[str, Callable[[str], Extracted]] = {
    "html": main_page_text,
    "html_plain": whole_page_text,
    "xml": xml_text,
}
