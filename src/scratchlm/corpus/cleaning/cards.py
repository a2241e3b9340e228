"""Payment cards: an issuer's prefix, its lengths, its grouping, and Luhn's check.

ISO/IEC 7812: 13 to 19 digits, the last of which makes the weighted sum a multiple of
ten. One number in ten passes by chance, so the prefix and the boundaries must agree.
"""

import re
from collections.abc import Iterator

from scratchlm.corpus.cleaning.masking import Span

# Digits alone, or in the groups that cards print: 4-4-4-4(-3), 4-6-5, 4-6-4.
_NUMBER = re.compile(
    r"[0-9](?:[0-9]{12,18}"
    r"|[0-9]{3}(?P<sep>[ -])[0-9]{4}(?P=sep)[0-9]{4}(?P=sep)[0-9]{4}"
    r"(?:(?P=sep)[0-9]{3}(?![0-9]))?"
    r"|[0-9]{3}(?P<gap>[ -])[0-9]{6}(?P=gap)[0-9]{4,5})(?![0-9])"
)
_DIGITS = re.compile("[0-9]+")
# Lowest and highest first six digits, and the lengths issued.
_ISSUERS = (
    (400000, 499999, (13, 16, 19)),  # Visa
    (510000, 559999, (16,)),  # Mastercard
    (222100, 272099, (16,)),  # Mastercard, since 2017
    (340000, 349999, (15,)),  # American Express
    (370000, 379999, (15,)),
    (601100, 601199, (16, 19)),  # Discover
    (644000, 659999, (16, 19)),
    (352800, 358999, (16, 19)),  # JCB
    (300000, 305999, (14, 16, 19)),  # Diners Club
    (360000, 369999, (14, 16, 19)),
    (380000, 399999, (14, 16, 19)),
    (620000, 629999, (16, 17, 18, 19)),  # UnionPay
    (500000, 509999, (16, 19)),  # Maestro and domestic schemes
    (560000, 589999, (16, 19)),
    (630400, 630499, (16, 19)),
    (675900, 676399, (16, 19)),
    (220000, 220499, (16, 19)),  # Mir
)
_BAD_BEFORE = re.compile(r"\w\Z|[0-9][.,:/-]\Z|[#$€£]\Z|\.\Z")
_BAD_AFTER = re.compile(r"\w|[.,:/-][0-9]")


def find_cards(text: str, begin: int, end: int) -> Iterator[Span]:
    """Spans of kind "card" in a stretch of digits and punctuation."""
    found = _NUMBER.search(text, begin, end)
    while found is not None:
        if _is_card(found[0]) and _is_alone(text, *found.span()):
            yield Span(found.start(), found.end(), "card")
            place = found.end()
        else:  # the next group of digits may begin one
            digits = _DIGITS.match(text, found.start())
            place = found.end() if digits is None else digits.end()
        found = _NUMBER.search(text, place, end)


def luhn_valid(digits: str) -> bool:
    """Whether the last digit is right: every second one from the end doubled."""
    values = [int(digit) for digit in reversed(digits)]
    doubled = (sum(divmod(2 * value, 10)) for value in values[1::2])
    return (sum(values[::2]) + sum(doubled)) % 10 == 0


def _is_card(number: str) -> bool:
    digits = number.replace(" ", "").replace("-", "")
    prefix = int(digits[:6])
    issued = any(
        first <= prefix <= last and len(digits) in lengths
        for first, last, lengths in _ISSUERS
    )
    return issued and len(set(digits)) > 1 and luhn_valid(digits)


def _is_alone(text: str, begin: int, end: int) -> bool:
    before = text[max(0, begin - 2) : begin]
    return not _BAD_BEFORE.search(before) and not _BAD_AFTER.match(text, end)
