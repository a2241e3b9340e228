import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.base.errors import UserError
from scratchlm.base.units import (
    format_bytes,
    format_count,
    format_duration,
    format_rate,
    parse_bytes,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (1000, "1 k"),
        (8700, "8.70 k"),
        (4_200_000, "4.20 M"),
        (123_456_789, "123 M"),
        (6.7e9, "6.70 G"),
        (2e17, "200 P"),
        (0.5, "0.50"),
        (-1500, "-1.50 k"),
    ],
)
def test_counts_have_three_digits(value, text):
    assert format_count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(512, "512 B"), (11_200_000, "11.2 MB"), (2e15, "2 PB"), (0, "0 B")],
)
def test_sizes_are_decimal(value, text):
    assert format_bytes(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0123, "12 ms"),
        (2.34, "2.3 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (3600, "1 h 0 min"),
        (3700, "1 h 1 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_times_are_read_as_times(seconds, text):
    assert format_duration(seconds) == text


def test_a_rate_says_what_it_counts():
    assert format_rate(8700, "tokens") == "8.70 k tokens/s"


@given(st.floats(min_value=1e-2, max_value=9e17))
def test_at_most_three_digits_are_shown_and_they_are_true(value):
    number, _, unit = format_count(value).partition(" ")
    scale = 1000 ** ("", "k", "M", "G", "T", "P").index(unit)
    assert len(number.replace(".", "").lstrip("0")) <= 4
    assert float(number) * scale == pytest.approx(value, rel=6e-3, abs=6e-3)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512_000_000),
        ("2GiB", 2 << 30),
        ("1.5 kB", 1500),
        ("300", 300),
        ("64m", 64_000_000),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "much", "0", "-1MB", "1.2.3GB", "5XB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(UserError, match="no size"):
        parse_bytes(text)


@given(st.integers(1, 10**15))
def test_a_size_is_read_as_it_was_shown(value):
    assert parse_bytes(format_bytes(value)) == pytest.approx(value, rel=6e-3)
