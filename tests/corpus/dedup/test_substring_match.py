import random

import pytest

from scratchlm.corpus.dedup.substring_match import match_around


def around(text, at, other, of_at):
    def read(begin, end):
        assert 0 <= begin <= end or begin >= len(other)
        return other[begin:end]

    begin, end = match_around(text, at, read, of_at)
    return text[begin:end]


def test_the_stretch_is_the_longest_around_the_place():
    left, right = b"xx one two three yy", b"one two three zz"
    for at in range(3, 16):
        assert around(left, at, right, at - 3) == b"one two three"


def test_white_space_is_no_difference_and_no_part_of_the_ends():
    left, right = b"a  one two\r\n\r\n three b", b"c one\ttwo three d"
    assert around(left, 3, right, 2) == b"one two\r\n\r\n three"


@pytest.mark.parametrize("n", [1, 1023, 1024, 1025, 5000, 1_200_000])
def test_a_stretch_of_any_length_is_found_whole_from_any_place_in_it(n):
    draw = random.Random(n)
    stretch = bytes(draw.choices(b"abcdefgh \n", k=n - 1)).strip() + b"!"
    spread = stretch.replace(b" ", b" \n\t ")
    text, other = b"12 " + stretch + b" 34", b"5 " + spread + b" 6"
    for at, of_at in ((3, 2), (len(text) - 4, len(other) - 3)):
        assert around(text, at, other, of_at) == stretch
        assert around(other, of_at, text, at) == spread


def test_where_nothing_matches_the_stretch_is_empty():
    assert around(b"a", 0, b"b", 0) == b""
    assert around(b"", 0, b"b", 0) == b""


def test_long_blanks_on_one_side_do_not_stop_it():
    text, other = b"a" + b" " * 10_000 + b"b", b"a b"
    assert around(text, 0, other, 0) == text
    assert around(other, 2, text, len(text) - 1) == other
