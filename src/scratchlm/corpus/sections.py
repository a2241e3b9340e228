"""Cut a long document into contiguous sections, at headings where there are any.

Nothing is lost: the sections of a text, joined, are the text.
"""

import re

_HEADING = re.compile(
    r"\n[ \t]*\n(?=#{1,6} |(?:CHAPTER|Chapter|BOOK|Book|PART|Part|ACT|SCENE)\b)"
)
_BORDERS = (
    _HEADING,
    re.compile(r"\n[ \t]*\n+"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?。！？])\s*"),
    re.compile(r"\s+"),
)


def cut_sections(text: str, n_chars: int) -> list[str]:
    """Sections of half to one and a half times `n_chars` characters.

    A cut falls at the border nearest to the wished length: before a heading, else
    between paragraphs, lines, sentences, words.
    """
    sections, start = [], 0
    while len(text) - start > n_chars * 3 // 2:
        low, high = start + n_chars // 2, start + n_chars * 3 // 2
        cut = low + _nearest_border(text[low:high], n_chars // 2)
        sections.append(text[start:cut])
        start = cut
    sections.append(text[start:])
    return sections


def _nearest_border(window: str, wished: int) -> int:
    for pattern in _BORDERS:
        ends = [match.end() for match in pattern.finditer(window)]
        if ends:
            return min(ends, key=lambda end: (abs(end - wished), end))
    return wished
