import pytest

from scratchlm.corpus.cleaning.masking import find_in_digits
from scratchlm.corpus.cleaning.phones import find_phones


def found(text):
    spans = find_in_digits([find_phones])(text)
    return [text[span.begin : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+49 30 1234567", "+49 30 1234567"),
        ("at +1 (212) 555-0123.", "+1 (212) 555-0123"),
        ("+442071234567,", "+442071234567"),
        ("+49 (0) 30 123456", "+49 (0) 30 123456"),
        ("+86-10-1234-5678", "+86-10-1234-5678"),
        ("(212) 555-0123", "(212) 555-0123"),
        ("office 212-555-0123", "212-555-0123"),
        ("call 212.555.0199 now", "212.555.0199"),
        ("1. 212-555-0123", "212-555-0123"),
        ("Tel. 030 1234567", "030 1234567"),
        ("Telephone no. 020 7946 0018", "020 7946 0018"),
        ("Fax: 0171/1234567", "0171/1234567"),
        ("tel:030-123-4567", "030-123-4567"),
        ("电话：010-12345678", "010-12345678"),
        ("тел. 8 495 123 45 67", "8 495 123 45 67"),
        ('{"phone": "0171 1234567"}', "0171 1234567"),
        ("telefon='030/123456'", "030/123456"),
        ("mobile: 0171 1234567", "0171 1234567"),
    ],
)
def test_a_number_is_found_to_its_boundaries(text, number):
    assert found(text) == [number]


def test_numbers_in_a_row_are_told_apart():
    assert found("212-555-0123, 212-555-0199") == ["212-555-0123", "212-555-0199"]


@pytest.mark.parametrize(
    "text",
    [
        "+48.85660012345",  # a latitude
        "+1234567890123456789",
        "+0000",
        "+01:00",
        "C++11 and 1+4915112345678",
        "+1 012 555 0123",  # no area code begins with 0
        "+289 1234 5678 9",  # nobody's country code
        "2023-10-12",
        "978-3-16-148410-0",
        "1234-555-0123",
        "212-555-01234",
        "112-555-0123",
        "212-555.0123",
        "550e8400-e29b-212-555-0123-446655440000",
        "version 212.555.0123",
        "3.14159265358979323846",
        "1,234,567,890",
        "200 300 4000",
        "tel. 2023-2024",
        "Tel. 12.10.2023",
        "tel. 123",
        "call 10000000 times",
        "hotel 1234567",
        "t: 1700000000",
        "phone 12.5",
        "1234567",
    ],
)
def test_what_only_looks_like_a_number_is_left(text):
    assert found(text) == []
