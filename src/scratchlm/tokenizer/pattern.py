r"""Split a text into pieces, as tiktoken and tokenizers do, with the standard `re`.

A merge never crosses the border between two pieces. `re` knows no `\p{L}`, so the
classes are written out from the frozen tables of `unicode_classes`. Three forms of
each pattern are compiled, for texts of ASCII, of the basic plane, and of all of
Unicode: the smaller the classes, the faster the split, with the same pieces.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Literal

from scratchlm.tokenizer.unicode_classes import (
    LETTERS,
    NUMBERS,
    WHITE_SPACE,
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

_ASCII, _BASIC_PLANE, _UNICODE = 0x7F, 0xFFFF, 0x10FFFF


def split_text(pattern: PatternName, text: str) -> list[str]:
    """Cut a text into its pieces; joined, they are the text."""
    return _compile(pattern, _highest_plane(text))(text)


def _highest_plane(text: str) -> int:
    if text.isascii():
        return _ASCII
    # UTF-16 takes four bytes only for what lies beyond the basic plane.
    basic = len(text.encode("utf-16-le", "surrogatepass")) == 2 * len(text)
    return _BASIC_PLANE if basic else _UNICODE


@cache
def _compile(pattern: str, limit: int) -> Callable[[str], list[str]]:
    form = _FORMS[pattern]
    for name, table in (("{L}", LETTERS), ("{N}", NUMBERS), ("{S}", WHITE_SPACE)):
        form = form.replace(name, _class_content(table, limit))
    return re.compile(form).findall


def _class_content(table: str, limit: int) -> str:
    ranges = [(a, min(b, limit)) for a, b in parse_ranges(table) if a <= limit]
    return "".join(f"{chr(a)}-{chr(b)}" for a, b in ranges)
