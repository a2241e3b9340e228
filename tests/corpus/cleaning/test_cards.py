import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.cleaning.cards import find_cards, luhn_valid
from scratchlm.corpus.cleaning.masking import find_in_digits

VISA = "4111111111111111"


def found(text):
    spans = find_in_digits([find_cards])(text)
    return [text[span.begin : span.end] for span in spans]


@pytest.mark.parametrize(
    "number",
    [
        VISA,
        "4111 1111 1111 1111",
        "5555-5555-5555-4444",
        "378282246310005",
        "3782 822463 10005",
        "6011000990139424",
        "3566002020360505",
        "30569309025904",
        "2223003122003222",
        "4222222222222",
    ],
)
def test_cards_of_every_issuer_are_found_alone_and_in_groups(number):
    assert found(f"card {number}.") == [number]


@settings(max_examples=100)
@given(st.integers(0, 10**14 - 1), st.integers(1, 9))
def test_one_wrong_digit_makes_any_number_invalid(middle, added):
    body = f"4{middle:014d}"
    check = next(d for d in "0123456789" if luhn_valid(body + d))
    wrong = body + str((int(check) + added) % 10)
    assert luhn_valid(body + check) and not luhn_valid(wrong)
    assert found(f"n {wrong} n") == []


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # Luhn
        "1234567812345670",  # Luhn holds, nobody issues it
        "0.4111111111111111",
        "4111111111111111.5",
        "4111111111111111abc",
        "x4111111111111111",
        "id_4111111111111111",
        "deadbeef4111111111111111",
        "41111111111111110000",  # longer than any
        "4111 1111-1111 1111",  # groups joined in two ways
        "411 11111 1111 1111",
        "0000 0000 0000 0000",
        "$4111111111111111",
        "411111111111111",  # Visa has no fifteen
    ],
)
def test_what_only_looks_like_a_card_is_left(text):
    assert found(text) == []


def test_a_card_after_other_groups_of_four_is_found():
    assert found("1111 4111 1111 1111 1111") == ["4111 1111 1111 1111"]
    assert found("2024 12 4111111111111111") == [VISA]


def test_a_megabyte_of_digits_is_no_card():
    assert found("1" * 300_000) == []
