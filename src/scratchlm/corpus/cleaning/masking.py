"""Spans of text replaced by placeholders, so that doing it twice is doing it once.

A finder looks at one text and yields spans. All finders' spans are replaced in one
pass: where two overlap, the one that begins first stays, then the longer. Passes
repeat until nothing more is found, because a placeholder can free what its
neighbourhood had hidden; no finder matches a placeholder, so passes end.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from scratchlm.corpus.document import Document


class Span(NamedTuple):
    """Code points [begin, end) of a text and what was found there."""

    begin: int
    end: int
    kind: str


Finder = Callable[[str], Iterator[Span]]
# The same within [begin, end) of a text, a stretch that `find_in_digits` found.
DigitFinder = Callable[[str, int, int], Iterator[Span]]
# Every IPv4 address, card and telephone number lies in one of these.
_STRETCH = re.compile(r"[0-9(+][0-9 ()./\-]{6,}")


def find_in_digits(finders: Sequence[DigitFinder]) -> Finder:
    """One finder out of several that look at digits and their punctuation only."""

    def find(text: str) -> Iterator[Span]:
        for stretch in _STRETCH.finditer(text):
            for finder in finders:
                yield from finder(text, stretch.start(), stretch.end())

    return find


def mask_text(
    text: str, finders: Sequence[Finder], placeholders: dict[str, str]
) -> tuple[str, dict[str, int]]:
    """The masked text (the same object where nothing was found) and counts by kind."""
    counts: dict[str, int] = {}
    while True:
        spans = sorted(
            (span for find in finders for span in find(text)),
            key=lambda span: (span.begin, -span.end),
        )
        if not spans:
            return text, counts
        text = _replace(text, spans, placeholders, counts)


def mask_document(
    document: Document, finders: Sequence[Finder], placeholders: dict[str, str]
) -> Document:
    """A masked document; `masked` in its metadata counts by kind, in all passes."""
    text, counts = mask_text(document.text, finders, placeholders)
    if not counts:
        return document
    total = dict(document.metadata.get("masked", {}))
    for kind, count in counts.items():
        total[kind] = total.get(kind, 0) + count
    metadata = {**document.metadata, "masked": dict(sorted(total.items()))}
    return Document(document.id, text, document.source, metadata)


def _replace(
    text: str,
    spans: Sequence[Span],
    placeholders: dict[str, str],
    counts: dict[str, int],
) -> str:
    pieces, done = [], 0
    for begin, end, kind in spans:
        if begin >= done:
            pieces += [text[done:begin], placeholders[kind]]
            counts[kind] = counts.get(kind, 0) + 1
            done = end
    return "".join([*pieces, text[done:]])
