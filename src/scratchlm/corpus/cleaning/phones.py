"""Telephone numbers: international, North American, and any after "phone:".

Without a word before it a number must look like nothing else: a `+` and a country's
code, or an area code in brackets, or three groups joined alike by hyphens or dots.
"""

import re
from collections.abc import Iterator

from scratchlm.corpus.cleaning.masking import Span

_FEWEST, _MOST = 7, 15  # digits: E.164
# Country codes (ITU-T E.164): two digits, or three where two are not given.
_TWO = """20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58
    60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"""
_THREE = "21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99"
_COUNTRIES = frozenset([*_TWO.split(), *_THREE.split(), *map(str, range(70, 80))])
_INTERNATIONAL = re.compile(r"\+[0-9]{1,3}(?:[ .\-/]?\(?[0-9]{1,5}\)?){1,8}")
_LAST_GROUP = re.compile(r"[ .\-/]?\(?[0-9]+\)?\Z")
_NORTH_AMERICAN = re.compile(
    r"\([2-9][0-9]{2}\) ?[2-9][0-9]{2}[ .-][0-9]{4}(?![0-9])"
    r"|[2-9][0-9]{2}(?P<sep>[.-])[2-9][0-9]{2}(?P=sep)[0-9]{4}(?![0-9])"
)
_CALLED = re.compile(r"[0-9(][0-9 ()./\-]{5,22}[0-9]")
_CUE = re.compile(
    r"(?<!\w)(?:(?:tel(?:ephone|efon|efono|éfono|efone|éphone)?|phone|fone|fax"
    r"|telefax|whatsapp|тел(?:ефон)?|факс|电话|電話|传真|전화)"
    r"(?: ?(?:no|nr|number|nummer|№))?[\"']?\s?[.:：=]{0,2}"
    r"|(?:mobile?|handy|cell|call)[\"']?\s?[:：=])\s{0,2}[\"']?\Z",
    re.I,
)
_CUE_CHARS = 28
_NUMBER_BEFORE = re.compile(r"[\w.+)]\Z|[0-9][-/]\Z")
_NUMBER_AFTER = re.compile(r"\w|[.,:/-][0-9]")
_DECIMAL = re.compile(r"\+?[0-9]+[.][0-9]+")
_DATE = re.compile(r"(?:19|20)[0-9]{2} ?[-./] ?(?:[0-9]{1,2}[-./]|(?:19|20)[0-9]{2}\b)")
_DAY_FIRST = re.compile(r"[0-3]?[0-9][-./][01]?[0-9][-./](?:19|20)[0-9]{2}(?![0-9])")
_VERSION_BEFORE = re.compile(r"(?:version|ver|build|release|rev)[.:]?\s?\Z", re.I)


def find_phones(text: str, begin: int, end: int) -> Iterator[Span]:
    """Spans of kind "phone" in a stretch of digits and punctuation."""
    called = _after_cue(text, begin)
    if called is not None:
        yield called
        begin = called.end
    for span in _international(text, begin, end):
        yield span
        begin = span.end
    for found in _NORTH_AMERICAN.finditer(text, begin, end):
        if _stands_alone(text, *found.span()):
            yield Span(found.start(), found.end(), "phone")


def _after_cue(text: str, begin: int) -> Span | None:
    """A number after "tel.": any but a date or a decimal."""
    if not _CUE.search(text[max(0, begin - _CUE_CHARS) : begin]):
        return None
    found = _CALLED.match(text, begin)
    if found is None or _NUMBER_AFTER.match(text, found.end()):
        return None
    number = found[0]
    if any(kind.match(number) for kind in (_DATE, _DAY_FIRST)):
        return None
    if _DECIMAL.fullmatch(number) or not _FEWEST <= _n_digits(number) <= _MOST:
        return None
    return Span(begin, found.end(), "phone")


def _international(text: str, begin: int, end: int) -> Iterator[Span]:
    for found in _INTERNATIONAL.finditer(text, begin, end):
        number = found[0]
        while _n_digits(number) > _MOST:  # the next number on the line
            number = _LAST_GROUP.sub("", number)
        stop = found.start() + len(number)
        if _is_international(number) and _stands_alone(text, found.start(), stop):
            yield Span(found.start(), stop, "phone")


def _is_international(number: str) -> bool:
    digits = "".join(filter(str.isdigit, number))
    if len(digits) <= _FEWEST or _DECIMAL.fullmatch(number):
        return False
    if digits[0] == "1":
        return len(digits) == 11 and digits[1] in "23456789"
    return digits[:2] in _COUNTRIES


def _n_digits(number: str) -> int:
    return sum(map(str.isdigit, number))


def _stands_alone(text: str, begin: int, end: int) -> bool:
    before = text[max(0, begin - 12) : begin]
    if _NUMBER_BEFORE.search(before) or _VERSION_BEFORE.search(before):
        return False
    return _NUMBER_AFTER.match(text, end) is None
