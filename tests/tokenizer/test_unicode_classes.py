"""Laws of the frozen tables."""

import re
import unicodedata

import pytest
from tokenizers import Regex, pre_tokenizers

from scratchlm.tokenizer.unicode_classes import (
    LETTERS,
    NUMBERS,
    WHITE_SPACE,
    contains,
    describe_class,
    parse_ranges,
)

# All but surrogates and the planes that are empty or private.
RANGES = [range(0xD800), range(0xE000, 0x34000), range(0xE0000, 0xE0200)]
EVERY_CHARACTER = "".join(chr(point) for points in RANGES for point in points)


@pytest.mark.parametrize(
    ("table", "pattern"),
    [(LETTERS, r"\p{L}"), (NUMBERS, r"\p{N}"), (WHITE_SPACE, r"\s")],
)
def test_a_table_holds_just_what_the_library_tokenizers_matches(table, pattern):
    peer = pre_tokenizers.Split(Regex(f"{pattern}+"), "isolated")
    inside = [
        text
        for text, _ in peer.pre_tokenize_str(EVERY_CHARACTER)
        if contains(table, ord(text[0]))
    ]
    ours = [chr(p) for a, b in parse_ranges(table) for p in range(a, b + 1)]
    assert "".join(inside) == "".join(ours)


@pytest.mark.parametrize(("table", "letter"), [(LETTERS, "L"), (NUMBERS, "N")])
def test_the_interpreters_older_database_has_no_class_that_the_table_lacks(
    table, letter
):
    described = describe_class(unicodedata.category, letter)
    known = [p for a, b in parse_ranges(described) for p in range(a, b + 1)]
    newer = unicodedata.unidata_version > "16"
    assert newer or all(contains(table, point) for point in known)


def test_a_described_class_reads_back_as_its_ranges():
    described = describe_class(lambda c: "Lu" if c in "ABCZ\U0010ffff" else "Xx", "L")
    assert described == "41-43 5A 10FFFF"
    assert parse_ranges(described) == ((0x41, 0x43), (0x5A, 0x5A), (0x10FFFF, 0x10FFFF))


def test_no_class_meets_another():
    tables = [LETTERS, NUMBERS, WHITE_SPACE]
    points = [p for t in tables for a, b in parse_ranges(t) for p in range(a, b + 1)]
    assert len(points) == len(set(points))


def test_the_separators_that_str_counts_as_space_are_no_white_space():
    assert all(re.match(r"\s", c) for c in "\x1c\x1f")
    assert not any(
        contains(WHITE_SPACE, ord(c)) for c in "\x1c\x1d\x1e\x1f\u200b\ufeff"
    )
