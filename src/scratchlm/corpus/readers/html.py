"""The text of a web page: the main text, or all that is visible.

The main text is trafilatura's, in its fast mode and without comments. The plain
parser judges nothing: it is for pages in which there is no main text, and for markup
that is a book's or a message's own.
"""

import re
import sys
from html import unescape
from html.parser import HTMLParser

from scratchlm.corpus.readers.extracted import Extracted

MOST_PAGE_CHARS = 20 * 2**20  # longer pages go to the plain parser at once
MOST_TITLE_CHARS = 500

_CHARSET = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?([A-Za-z0-9_:.-]{2,40})")
_BLOCK_TAGS = """address article aside blockquote body br caption dd div dl dt fieldset
    figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html li main nav ol
    p pre section table td th title tr ul"""
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_HIDDEN_TAGS = "iframe math noscript object script style svg template title"
_HIDDEN = frozenset(_HIDDEN_TAGS.split())
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,2000})<", re.IGNORECASE)
_LANGUAGE = re.compile(
    r"<html[^>]{0,500}?\s(?:xml:)?lang\s*=\s*[\"']?([A-Za-z]{2,3})\b", re.IGNORECASE
)
_LICENCE = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/"
    r"(?:(?:licenses/(by(?:-nc)?(?:-nd|-sa)?)/([1-4]\.[05]))|(publicdomain/zero/1\.0))"
)
_LICENCE_LINK = re.compile(
    r"<(?:a|link)\b[^>]{0,500}?\brel\s*=\s*[\"']?[^\"'>]{0,80}?\blicense\b[^>]{0,500}>",
    re.IGNORECASE,
)


def main_page_text(page: str) -> Extracted:
    """The main text without comments; "" if there is none to be found."""
    import trafilatura

    text = trafilatura.extract(page, fast=True, include_comments=False) or ""
    return Extracted(text, page_facts(page))


def forget_pages() -> None:
    """Empty the caches that the extractor fills with every page, if it was used."""
    if "trafilatura" in sys.modules:
        from trafilatura.meta import reset_caches

        reset_caches()


def whole_page_text(page: str) -> Extracted:
    """All visible text of a page."""
    return Extracted(plain_text(page), page_facts(page))


def page_facts(page: str) -> dict[str, str]:
    """Title, language, and the Creative Commons licence that a page gives as its own
    (a link with rel=license; other links may speak of other works).
    """
    facts = {}
    title = _TITLE.search(page)
    if title and title[1].strip():
        facts["title"] = " ".join(unescape(title[1]).split())[:MOST_TITLE_CHARS]
    language = _LANGUAGE.search(page)
    if language:
        facts["language"] = language[1].lower()
    link = _LICENCE_LINK.search(page)
    licence = _LICENCE.search(link[0].lower()) if link else None
    if licence:
        facts["licence"] = "CC0-1.0" if licence[3] else f"CC-{licence[1]}-{licence[2]}"
        facts["licence"] = facts["licence"].upper()
    return facts


def declared_charset(data: bytes) -> str | None:
    """The charset that a page's own <meta> or XML line names."""
    match = _CHARSET.search(data[:4096])
    return match[1].decode("ascii") if match else None


def plain_text(page: str) -> str:
    """All visible text of a page, a line a block; no judgement of what matters.

    The title is no part of it, as it is no part of the page that one sees.
    """
    parser = _PlainParser()
    parser.feed(page)
    parser.close()
    return parser.text()


class _PlainParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._hidden: list[str] = []
        self._preformatted = 0

    def text(self) -> str:
        """Lines with single blanks; those of <pre> as they stand."""
        lines = "".join(self._parts).split("\n")
        neat = (_neat(line) for line in lines)
        return "\n".join(line for line in neat if line).replace("\0", "\n").strip("\n")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden.append(tag)
        if tag in _BLOCKS:
            self._parts.append("\n")
        self._preformatted += tag == "pre"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:  # <script/> of XHTML hides nothing
            self._parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        if tag in _BLOCKS:
            self._parts.append("\n")
        self._preformatted = max(0, self._preformatted - (tag == "pre"))

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        data = data.replace("\0", "")
        if self._preformatted:
            self._parts.append(data.replace("\r\n", "\n").replace("\n", "\0"))
        else:
            self._parts.append(data.replace("\n", " "))


def _neat(line: str) -> str:
    return line.rstrip() if "\0" in line else " ".join(line.split())
