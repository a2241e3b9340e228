r"""Split a text into pieces, as tiktoken and tokenizers do, with the standard `re`.

A merge never crosses the border between two pieces. `re` knows no `\p{L}`, so the
classes are written out from the frozen tables of `unicode_classes`: once for texts of
ASCII alone, once for the basic plane. `re` is slow with classes beyond it; the rare
characters there are split through stand-ins of the same class.
"""

import re
from collections.abc import Callable
from functools import cache
from itertools import accumulate, pairwise
from typing import Literal

from scratchlm.tokenizer.unicode_classes import (
    LETTERS,
    NUMBERS,
    WHITE_SPACE,
    contains,
    parse_ranges,
)

PatternName = Literal["llama3", "gpt2"]

PATTERNS: dict[str, str] = {
    "llama3": (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
        r"|[^\r\n\p{L}\p{N}]?\p{L}+"
        r"|\p{N}{1,3}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+"
        r"|\s+(?!\S)"
        r"|\s+"
    ),
    "gpt2": (
        r"'s|'t|'re|'ve|'m|'ll|'d"
        r"| ?\p{L}+"
        r"| ?\p{N}+"
        r"| ?[^\s\p{L}\p{N}]+"
        r"|\s+(?!\S)"
        r"|\s+"
    ),
}
"""The patterns as other libraries read them (Oniguruma, Rust's regex)."""

# The same for `re`; {L}, {N} and {S} stand for the contents of the classes. Repeats
# are possessive where giving back could not help. `(?i:s)` is also U+017F, the long s.
_FORMS = {
    "llama3": (
        r"'(?:[sSſtTmMdD]|[rRvV][eE]|[lL][lL])"
        r"|[^\r\n{L}{N}]?+[{L}]++"
        r"|[{N}]{1,3}+"
        r"| ?+[^{S}{L}{N}]++[\r\n]*+"
        r"|[{S}]*[\r\n]++"
        r"|[{S}]+(?![^{S}])"
        r"|[{S}]++"
    ),
    "gpt2": (
        r"'(?:[stmd]|re|ve|ll)"
        r"| ?+[{L}]++"
        r"| ?+[{N}]++"
        r"| ?+[^{S}{L}{N}]++"
        r"|[{S}]+(?![^{S}])"
        r"|[{S}]++"
    ),
}

_ASCII, _BASIC_PLANE = 0x7F, 0xFFFF
_BEYOND = re.compile("[\U00010000-\U0010ffff]")


def split_text(pattern: PatternName, text: str) -> list[str]:
    """Cut a text into its pieces; joined, they are the text."""
    if text.isascii():
        return _compile(pattern, _ASCII)(text)
    split = _compile(pattern, _BASIC_PLANE)
    if not _BEYOND.search(text):
        return split(text)
    pieces = split(_BEYOND.sub(_stand_in, text))
    ends = [0, *accumulate(map(len, pieces))]
    return [text[start:end] for start, end in pairwise(ends)]


def _stand_in(match: re.Match[str]) -> str:
    """A character of the basic plane that the patterns treat alike."""
    return _stand_in_for(ord(match[0]))


@cache
def _stand_in_for(point: int) -> str:
    # There is no white space beyond the basic plane.
    if contains(LETTERS, point):
        return "A"  # not one of the letters of a contraction
    return "0" if contains(NUMBERS, point) else "!"


@cache
def _compile(pattern: str, limit: int) -> Callable[[str], list[str]]:
    form = _FORMS[pattern]
    for name, table in (("{L}", LETTERS), ("{N}", NUMBERS), ("{S}", WHITE_SPACE)):
        form = form.replace(name, _class_content(table, limit))
    return re.compile(form).findall


def _class_content(table: str, limit: int) -> str:
    ranges = [(a, min(b, limit)) for a, b in parse_ranges(table) if a <= limit]
    return "".join(f"{chr(a)}-{chr(b)}" for a, b in ranges)
