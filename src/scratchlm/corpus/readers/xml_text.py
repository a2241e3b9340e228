"""The text of any XML: feeds, exports, books in a markup of their own.

Every element but the usual inline ones is a line of its own. Entities of the document
are not expanded and nothing is loaded. Text that is itself escaped HTML, as feeds
hold it, is read as HTML.
"""

import re
from collections.abc import Iterator
from typing import Any

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.extracted import Extracted
from scratchlm.corpus.readers.html import plain_text

MOST_LOST = 1.1  # length of the text of the plain parser to that of the tree

_INLINE_TAGS = """a abbr b bdi bdo big cite code em emph font hi i ins kbd mark q ref
    s small span strong sub sup tt u ulink xref"""
_INLINE = frozenset(_INLINE_TAGS.split())
_MARKUP = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*[ />]")


def xml_text(page: str) -> Extracted:
    """All text of a document, recovered as far as it goes where it is damaged.

    Raises:
        UnreadableError: no XML at all.
    """
    from lxml import etree

    parser = etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=True,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(page.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError:
        root = None
    worst = parser.error_log.filter_from_fatals()
    if any(entry.type_name == "ERR_NO_MEMORY" for entry in worst):
        raise MemoryError
    if root is None:
        raise UnreadableError("damaged xml file")
    lines = "".join(_pieces(etree.iterwalk(root, events=("start", "end")), root))
    neat = (" ".join(line.split()) for line in lines.split("\n"))
    text = "\n".join(line for line in neat if line)
    if not worst:
        return Extracted(text)
    plain = plain_text(page)  # where the damage made the parser stop
    best = plain if len(plain) > MOST_LOST * len(text) else text
    return Extracted(best, repaired="damaged xml: what can be read is read")


def _pieces(walk: Any, root: Any) -> Iterator[str]:
    """The text in order, a newline before and after what is not inline."""
    for event, element in walk:
        is_element = isinstance(element.tag, str)  # no comment, no instruction
        own = is_element and element.tag.rpartition("}")[2].lower() not in _INLINE
        if own:
            yield "\n"
        if event == "start" and is_element:
            yield _readable(element.text)
        if event == "end" and element is not root:
            yield _readable(element.tail)


def _readable(text: str | None) -> str:
    if not text:
        return ""
    if _MARKUP.search(text):
        return "\n" + plain_text(text) + "\n"
    return text.replace("\n", " ")
