r"""What each code point is to a split pattern: a frozen, versioned table.

The patterns ask four things of a character: is it a letter (`\p{L}`), a number
(`\p{N}`), white space (`\s`), and, for o200k, of which case. The answers stand in
`unicode_16.txt`, taken once from the Unicode Character Database, version 16.0.0 (by
which tiktoken and tokenizers split). Nothing here asks the interpreter or a regex
package, whose tables change: a text has the same tokens under every Python.

To renew it: install the `unicodedata2` of the wanted version anywhere, write what
`describe_classes(unicodedata2.category)` says into a new data file beside this module,
name it in `DATA_FILE`, and raise `UNICODE_VERSION`. A tokenizer file names the version
it was trained with.
"""

import re
import textwrap
from collections.abc import Callable, Iterable
from functools import cache
from itertools import groupby
from pathlib import Path

UNICODE_VERSION = "16.0.0"
"""The version of Unicode that the data file was taken from."""

DATA_FILE = Path(__file__).with_name("unicode_16.txt")
"""Hexadecimal code points, `first-last` or one alone, under one heading a section."""

N_CODE_POINTS = 0x110000

LETTER, NUMBER, SPACE, NEWLINE, UPPER, LOWER = (1 << bit for bit in range(6))
r"""The bits of a class. NEWLINE is `\r` and `\n`, the two that the patterns name.

UPPER is what may stand in the upper part of an o200k word, LOWER in the lower one:
letters without case and combining marks have both bits.
"""

SECTIONS = {
    "Lu Lt": LETTER | UPPER,
    "Ll": LETTER | LOWER,
    "Lm Lo": LETTER | UPPER | LOWER,
    "M": UPPER | LOWER,
    "N": NUMBER,
    "White_Space": SPACE,
}
"""Heading of the data file -> class of its code points. No code point stands twice.

The first five name general categories; a single letter is all of that major category.
White_Space is the property; unlike `str.isspace` it lacks U+001C to U+001F.
"""

# A property, not a category, which `unicodedata2` does not know; stable since 6.3.
_WHITE_SPACE = "9-D 20 85 A0 1680 2000-200A 2028-2029 202F 205F 3000"

Ranges = tuple[tuple[int, int], ...]
"""Sorted, inclusive (first, last) code points."""


@cache
def class_table() -> bytes:
    """The class of every code point: `class_table()[ord(character)]`.

    0x110000 bytes. A code point in no section is 0, "other": punctuation, symbols,
    controls, unassigned ones, and lone surrogates.
    """
    table = bytearray(N_CODE_POINTS)
    for heading, items in read_sections(DATA_FILE.read_text("ascii")).items():
        code = bytes([SECTIONS[heading]])
        for first, last in parse_ranges(items):
            table[first : last + 1] = code * (last + 1 - first)
    for newline in b"\r\n":
        table[newline] |= NEWLINE
    return bytes(table)


@cache
def ranges_of(bits: int, end: int = N_CODE_POINTS) -> Ranges:
    """The code points below `end` whose class has at least one of these bits."""
    codes = bytes(code for code in range(64) if code & bits)
    runs = re.finditer(b"[%b]+" % re.escape(codes), class_table()[:end])
    return tuple((run.start(), run.end() - 1) for run in runs)


def read_sections(text: str) -> dict[str, list[str]]:
    """Read a data file: `[heading]` lines, then items; `#` begins a comment line."""
    sections: dict[str, list[str]] = {}
    items: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            items = sections.setdefault(line.strip("[]"), [])
        elif not line.startswith("#"):
            items += line.split()
    return sections


def parse_ranges(items: Iterable[str]) -> Ranges:
    """Read ranges such as ("41-5A", "AA")."""
    return tuple(map(parse_range, items))


def parse_range(item: str) -> tuple[int, int]:
    """Read one range: its first and its last code point."""
    first, _, last = item.partition("-")
    return int(first, 16), int(last or first, 16)


def describe_classes(category: Callable[[str], str]) -> str:
    """Write the sections of a data file from a character database.

    Args:
        category: character -> two-letter general category, as `unicodedata.category`.
    """
    sections: dict[str | None, list[str]] = {heading: [] for heading in SECTIONS}
    points = range(N_CODE_POINTS)
    for heading, run in groupby(points, lambda p: _heading_of(category(chr(p)))):
        if heading is not None:
            sections[heading].append(_describe_range(list(run)))
    sections["White_Space"] = [_WHITE_SPACE]
    return "\n".join(
        f"[{heading}]\n{textwrap.fill(' '.join(items), 88, break_on_hyphens=False)}\n"
        for heading, items in sections.items()
    )


@cache
def _heading_of(category: str) -> str | None:
    """The section where code points of a general category stand."""
    fits = (name for name in SECTIONS if category.startswith(tuple(name.split())))
    return next(fits, None)


def _describe_range(points: list[int]) -> str:
    first, last = points[0], points[-1]
    return f"{first:X}-{last:X}" if last > first else f"{first:X}"
