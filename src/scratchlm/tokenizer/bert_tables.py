"""What BERT's splitting asks of a character: frozen, versioned tables.

Controls are dropped, accents are decomposed and stripped, letters lower-cased,
punctuation stands alone. The answers stand in `bert_16.txt`, taken once from the
Unicode Character Database, version 16.0.0; nothing here asks the interpreter, so that
a text has the same tokens under every Python.

To renew them: install the `unicodedata2` of the wanted version anywhere, write what
`describe_tables` says into a new data file, and name it here.
"""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from scratchlm.tokenizer.unicode_classes import parse_range, read_sections

DATA_FILE = Path(__file__).with_name("bert_16.txt")
"""Hexadecimal code points under one heading a section."""

DROPPED, MARK, PUNCTUATION = 1, 2, 4

SECTIONS = {"Cc Cf Co Cs": DROPPED, "Mn": MARK, "P": PUNCTUATION}
"""Heading -> bit of its code points. The words are general categories."""

_N_CODE_POINTS = 0x110000
_HANGUL, _N_HANGUL = 0xAC00, 11172
_LEAD, _VOWEL, _TAIL = 0x1100, 0x1161, 0x11A7


@dataclass(frozen=True)
class BertTables:
    """The character data; a character that stands nowhere is itself."""

    flags: bytes
    """Bits DROPPED, MARK, PUNCTUATION of each code point, (0x110000,)."""
    combining: Mapping[str, int]
    """Canonical combining class of a character, where it is not 0."""
    decompositions: Mapping[str, str]
    """Full canonical decomposition, but for Hangul, which follows a rule."""
    lower: Mapping[str, str]
    """Lower case of one character, whatever stands beside it."""

    def decompose(self, character: str) -> str:
        """Full canonical decomposition (Unicode 16.0.0, chapter 3.12 for Hangul)."""
        index = ord(character) - _HANGUL
        if not 0 <= index < _N_HANGUL:
            return self.decompositions.get(character, character)
        lead, rest = divmod(index, 588)
        vowel, tail = divmod(rest, 28)
        jamo = chr(_LEAD + lead) + chr(_VOWEL + vowel)
        return jamo + chr(_TAIL + tail) if tail else jamo


@cache
def bert_tables() -> BertTables:
    """The tables of the data file."""
    sections = read_sections(DATA_FILE.read_text("ascii"))
    flags = bytearray(_N_CODE_POINTS)
    for heading, bit in SECTIONS.items():
        for run in map(_points, sections[heading]):
            flags[run.start : run.stop] = bytes([bit]) * len(run)
    return BertTables(
        bytes(flags),
        combining={
            chr(point): int(value, 16)
            for where, value in map(_halves, sections["combining class"])
            for point in _points(where)
        },
        decompositions={
            chr(int(point, 16)): "".join(chr(int(p, 16)) for p in parts.split("+"))
            for point, parts in map(_halves, sections["decomposition"])
        },
        lower=dict(_parse_lower(sections["lower case"])),
    )


def describe_tables(
    database: Any, lower: Callable[[str], str], n_points: int = _N_CODE_POINTS
) -> str:
    """Write the sections of a data file.

    Args:
        database: a module like `unicodedata`, whose version counts.
        lower: lower case of one character, of the same version or a later one:
            unassigned characters are left out, and assigned ones keep their case.
        n_points: how many code points, from 0 on.
    """
    points = range(n_points)
    categories = [database.category(chr(point)) for point in points]
    sections: dict[str, Iterator[str]] = {}
    for heading in SECTIONS:
        wanted = tuple(heading.split())
        sections[heading] = _ranges([c.startswith(wanted) for c in categories])
    combining = [f":{database.combining(chr(point)):X}" for point in points]
    sections["combining class"] = _ranges(["" if c == ":0" else c for c in combining])
    sections["decomposition"] = _decompositions(database, points)
    shifts = [_shift(p, lower(chr(p))) for p in points]
    sections["lower case"] = _ranges(
        ["" if c == "Cn" else s for c, s in zip(categories, shifts, strict=True)]
    )
    return "\n".join(_section(name, items) for name, items in sections.items())


def _shift(point: int, lower: str) -> str:
    """How far the first character is away, then the others: ":20", ":-C7+307"."""
    if lower == chr(point):
        return ""
    first, *others = map(ord, lower)
    return ":" + "+".join([f"{first - point:X}", *(f"{c:X}" for c in others)])


def _decompositions(database: Any, points: range) -> Iterator[str]:
    for point in points:
        full = database.normalize("NFD", chr(point))
        is_hangul = 0 <= point - _HANGUL < _N_HANGUL
        if full != chr(point) and not is_hangul:
            yield f"{point:X}:" + "+".join(f"{ord(c):X}" for c in full)


def _section(heading: str, items: Iterator[str]) -> str:
    return f"[{heading}]\n" + textwrap.fill(" ".join(items), 88) + "\n"


def _ranges(values: Sequence[object]) -> Iterator[str]:
    """Runs of equal values that are not empty, each followed by its value."""
    for value, group in groupby(range(len(values)), key=values.__getitem__):
        if value:
            points = [*group]
            last = f"-{points[-1]:X}" if len(points) > 1 else ""
            yield f"{points[0]:X}{last}" + ("" if value is True else str(value))


def _points(item: str) -> range:
    first, last = parse_range(item)
    return range(first, last + 1)


def _halves(item: str) -> tuple[str, str]:
    first, _, second = item.partition(":")
    return first, second


def _parse_lower(items: list[str]) -> Iterator[tuple[str, str]]:
    for where, value in map(_halves, items):
        shift, *others = value.split("+")
        rest = "".join(chr(int(point, 16)) for point in others)
        for point in _points(where):
            yield chr(point), chr(point + int(shift, 16)) + rest
