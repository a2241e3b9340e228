"""Where a sentence ends: one rule for all languages, for counting sentences of a line.

A sentence ends behind one or more terminal marks (`marks.TERMINAL_MARKS`, or …) with
the quotes and brackets that close there, if white space follows and after that no
lower-case letter; full stops of scripts without blanks (。！？ and others) end one
wherever they stand. A single letter or a common title before one full stop ("J. Smith",
"Dr. Who") ends none. What is left behind the last end is one sentence more.
"""

import re
from collections.abc import Iterator
from functools import cache

from scratchlm.corpus.filters.marks import TERMINAL_MARKS

_CLOSING = "\"'”’»›)\\]}」』】〉》）］｝"
_WIDE = "。｡！？．"  # the next sentence follows without a blank
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_NO_END = ("Mr", "Mrs", "Ms", "Dr", "Prof", "St", "vs", "cf", "No", "Fig", "Nr")


def sentence_ends(line: str) -> Iterator[int]:
    """Where each sentence but the last ends: the number of the character behind it."""
    for found in _end(_plane_of(line)).finditer(line):
        if not _is_abbreviated(line, found):
            yield found.end()


def count_sentences(line: str) -> int:
    """Number of sentences in a line; at least 1."""
    return 1 + sum(1 for _ in sentence_ends(line))


def _is_abbreviated(line: str, found: re.Match[str]) -> bool:
    if found["marks"] != ".":
        return False
    begin = line.rfind(" ", 0, found.start()) + 1
    word = line[begin : found.start()].lstrip("(\"'“‘«")
    return word in _NO_END or (len(word) == 1 and word.isalpha())


def _plane_of(line: str) -> int:
    """The last code point that must be looked for: `re` is fast with few marks."""
    if line.isascii():
        return 0x7F
    return 0x10FFFF if _ASTRAL.search(line) else 0xFFFF


@cache
def _end(last: int) -> re.Pattern[str]:
    """Where a sentence of characters up to `last` ends."""
    marks = "".join(sorted(m for m in {*TERMINAL_MARKS, "…"} if ord(m) <= last))
    behind_narrow = rf"[{_CLOSING}]*+(?=\s++[^a-zà-öø-ÿа-яё])"
    behind_wide = rf"(?<=[{_WIDE}])[{_CLOSING}]*+(?=\s*+\S)"
    run = f"(?P<marks>[{marks}][{marks}]*+)"  # a class first: `re` looks for it fast
    return re.compile(f"{run}(?:{behind_narrow}|{behind_wide})")
