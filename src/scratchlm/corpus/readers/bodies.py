"""Whole things that are extracted: a page, PDF, book, message, office file.

They come as files, as members of archives and as records of web archives; all of
them go to the extractor's process, pages decoded.
"""

import re
from dataclasses import replace

from scratchlm.corpus.decode import UnreadableError, decode
from scratchlm.corpus.readers.account import Account
from scratchlm.corpus.readers.extracted import NO_MEMORY, Extracted
from scratchlm.corpus.readers.extractors import PAGES
from scratchlm.corpus.readers.html import MOST_PAGE_CHARS, declared_charset
from scratchlm.corpus.readers.workers import DIED, TOO_LONG, ExtractWorkers

PLAIN = "read by the plain parser: "
TOO_LONG_A_PAGE = f"more than {MOST_PAGE_CHARS >> 20} million characters"
_REASONS = (TOO_LONG, DIED, NO_MEMORY, TOO_LONG_A_PAGE)
_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{2,40})", re.IGNORECASE)


def body_text(
    kind: str,
    data: bytes,
    name: str,
    workers: ExtractWorkers,
    account: Account,
    content_type: str | None = None,
) -> Extracted:
    """The text of one body of a kind of `extractors.KINDS`, or plain text.

    A page on which the extractor of main text fails or in which it finds none is read
    by the plain parser: counted in the notes and, if it failed, named as repaired.

    Raises:
        UnreadableError: there is no text to be had; the reason.
    """
    if not data.strip():
        raise UnreadableError("empty")
    if kind != "text" and kind not in PAGES:
        found = workers.extract(kind, data)
    else:
        charset = _charset(content_type)
        if charset is None and kind in PAGES:
            charset = declared_charset(data)
        decoded = decode(data, charset)
        account.note_encoding(decoded.encoding)
        if kind == "text":
            found = Extracted(decoded.text)
        elif kind == "html":
            found = _page_text(decoded.text, name, workers, account)
        else:
            found = workers.extract(kind, decoded.text.encode("utf-8", "replace"))
    for note, count in found.notes.items():
        account.note("extraction", {note: count})
    if not found.text.strip():
        raise UnreadableError("no text in it")
    if found.repaired:
        account.repair(name, found.repaired)
    return found


def _page_text(
    page: str, name: str, workers: ExtractWorkers, account: Account
) -> Extracted:
    data = page.encode("utf-8", "replace")
    why = TOO_LONG_A_PAGE
    if len(page) <= MOST_PAGE_CHARS:
        try:
            found = workers.extract("html", data)
            if found.text.strip():
                return found
            why = ""
        except UnreadableError as error:
            why = str(error)
    if why:
        known = why if why in _REASONS else "damaged markup"
        account.repair(name, PLAIN + known)
    account.note("extraction", {"pages_read_by_the_plain_parser": 1})
    found = workers.extract("html_plain", data)
    return replace(found, text=found.text.strip())


def _charset(content_type: str | None) -> str | None:
    match = _HEADER_CHARSET.search(content_type or "")
    return match[1] if match else None
