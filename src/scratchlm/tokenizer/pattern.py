r"""The split patterns, and the fallback that runs them: the standard library's `re`.

`scanner` says in plain code what the patterns mean. `re` knows no `\p{L}`, so the
classes are written out from the frozen table of `unicode_classes`: once for texts of
ASCII alone, once for the basic plane. `re` is slow with classes beyond it; the rare
characters there are split through stand-ins of the same class.
"""

import re
from collections.abc import Callable
from functools import cache
from itertools import accumulate, pairwise
from typing import Literal, get_args

from scratchlm.tokenizer.unicode_classes import (
    LETTER,
    LOWER,
    NUMBER,
    SPACE,
    UPPER,
    class_table,
    ranges_of,
)

PatternName = Literal["gpt2", "cl100k", "llama3", "qwen2", "digits2", "o200k"]

PATTERN_CODES: dict[PatternName, int] = {
    name: code for code, name in enumerate(get_args(PatternName))
}
"""The number by which the C core calls a pattern."""

_CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"


def _like_llama3(digits: str, closing: str = "") -> str:
    return (
        rf"{_CONTRACTION}"
        r"|[^\r\n\p{L}\p{N}]?\p{L}+"
        rf"|\p{{N}}{digits}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
        rf"{closing}"
        r"|\s*[\r\n]+"
        r"|\s+(?!\S)"
        r"|\s+"
    )


PATTERNS: dict[PatternName, str] = {
    "gpt2": (
        r"'s|'t|'re|'ve|'m|'ll|'d"
        r"| ?\p{L}+"
        r"| ?\p{N}+"
        r"| ?[^\s\p{L}\p{N}]+"
        r"|\s+(?!\S)"
        r"|\s+"
    ),
    "cl100k": _like_llama3("{1,3}", closing=r"|\s+\z"),
    "llama3": _like_llama3("{1,3}"),
    "qwen2": _like_llama3(""),
    "digits2": _like_llama3("{1,2}"),
    "o200k": (
        rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_CONTRACTION}?"
        rf"|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_CONTRACTION}?"
        r"|\p{N}{1,3}"
        r"| ?[^\s\p{L}\p{N}]+[\r\n/]*"
        r"|\s*[\r\n]+"
        r"|\s+(?!\S)"
        r"|\s+"
    ),
}
r"""The patterns as other libraries read them (Oniguruma, Rust's fancy-regex).

tiktoken writes `$` where cl100k has `\z` here: to Oniguruma `$` is every line's end.
"""

# What the patterns write with `\p` and `\s`, for `re`; {L}, {N}, {S}, {U} and {W} stand
# for the contents of a class. Inside another class they lose their brackets. The long
# s, U+017F, is an s in another case.
_FOR_RE = {
    _CONTRACTION: "(?:'(?:[sSſtTmMdD]|[rRvV][eE]|[lL][lL]))",
    _UPPER: "[{U}]",
    _LOWER: "[{W}]",
    r"[^\s\p{L}\p{N}]": "[^{S}{L}{N}]",
    r"[^\r\n\p{L}\p{N}]": r"[^\r\n{L}{N}]",
    r"\p{L}": "[{L}]",
    r"\p{N}": "[{N}]",
    r"\s": "[{S}]",
    r"\S": "[^{S}]",
    r"\z": r"\Z",
}
_CONTENTS = {"L": LETTER, "N": NUMBER, "S": SPACE, "U": UPPER, "W": LOWER}

_ASCII_END, _BASIC_PLANE_END = 0x80, 0x10000
_BEYOND = re.compile("[\U00010000-\U0010ffff]")

# Class beyond the basic plane (no white space is there) -> a character of it within;
# not one of those that the patterns name.
_STAND_INS = {
    LETTER | UPPER: "A",
    LETTER | LOWER: "a",
    LETTER | UPPER | LOWER: "ª",
    UPPER | LOWER: "\u0301",
    NUMBER: "0",
    0: "!",
}


def split_text(pattern: PatternName, text: str) -> list[str]:
    """Cut a text into its pieces; joined, they are the text.

    A lone surrogate is a character of no class, like punctuation.
    """
    if text.isascii():
        return _compile(pattern, _ASCII_END)(text)
    split = _compile(pattern, _BASIC_PLANE_END)
    if not _BEYOND.search(text):
        return split(text)
    pieces = split(_BEYOND.sub(_stand_in, text))
    ends = [0, *accumulate(map(len, pieces))]
    return [text[start:end] for start, end in pairwise(ends)]


def replace_lone_surrogates(text: str) -> str:
    """The text as UTF-8 can hold it: a pair is its character, a lone one U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def split_bytes(pattern: PatternName, data: bytes) -> list[bytes]:
    """Cut bytes into their pieces; each byte that is no UTF-8 is one such character."""
    pieces = split_text(pattern, data.decode("utf-8", "surrogateescape"))
    return [piece.encode("utf-8", "surrogateescape") for piece in pieces]


def _stand_in(match: re.Match[str]) -> str:
    """A character of the basic plane that the patterns treat alike."""
    return _STAND_INS[class_table()[ord(match[0])]]


@cache
def _compile(pattern: PatternName, end: int) -> Callable[[str], list[str]]:
    """A function that splits texts of code points below `end`."""
    form = PATTERNS[pattern]
    for theirs, ours in _FOR_RE.items():
        form = form.replace(theirs, ours)
    for letter, bits in _CONTENTS.items():
        ranges = (f"{chr(a)}-{chr(b)}" for a, b in ranges_of(bits, end))
        form = form.replace(f"{{{letter}}}", "".join(ranges))
    return re.compile(form).findall
