"""Secrets in code by where they stand: a random value given to a telling name.

`api_key = "9f8a…"`: the name says what it is, the value is long and looks drawn by
chance. Hashes, names of things, paths and stand-ins are left alone.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator

from scratchlm.corpus.cleaning.masking import Span

_FEWEST, _MOST = 12, 256  # characters of a value
_VALUE = re.compile(
    r"[=:][=>]?[ \t]{0,8}(?:[A-Za-z]{1,2}(?=[\"'`]))?[\"'`]?"
    rf"(?P<value>[A-Za-z0-9+/_\-.~!@#%^&*?]{{{_FEWEST},{_MOST}}}={{0,2}})"
    r"(?:[\"'`,;)\s]|\Z)"
)
_BEFORE_CHARS = 48
_NAME = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_\-.]{0,40})[\"'`\]]{0,2}[ \t]{0,4}\Z")
_TELLING = re.compile(
    r"(?:api|access|private|auth|client|encryption|signing|account|service)[_\-]?key"
    r"|secret|token|passw(?:or)?d|passwd|pwd\Z|credential|\Aauth\Z|bearer",
    re.I,
)
_NOT_TELLING = re.compile(
    r"sha|md5|hash|digest|checksum|fingerprint|public|commit|revision|version|url|uri"
    r"|path|file|dir|name|type|endpoint|expires|length|size|count|limit|max|id\Z|s\Z"
    r"|regex|pattern|format|prefix|header|field|class|method|arn\Z",
    re.I,
)
_STAND_IN = re.compile(
    r"example|sample|dummy|placeholder|change.?me|your|insert|replace|redacted|xxxx"
    r"|1234|abcd|test|fake|todo|none|null|undefined|process\.env|getenv|environ"
    r"|[$%]\{|\.\.\.",
    re.I,
)
_PARTS = re.compile(r"[_\-./@:#?&%]+")
_HEX = re.compile(r"[0-9a-fA-F]+")
_LEAST_HEX_BITS = 2.8  # a character; 16 random hex digits have 3.3 on average
_LEAST_BITS = 3.2  # 20 random letters and digits have 4


def find_assigned_secrets(text: str) -> Iterator[Span]:
    """Spans of kind "secret": the values alone, without quotes."""
    for found in _VALUE.finditer(text):
        value = found["value"]
        if not looks_random(value):
            continue
        before = text[max(0, found.start() - _BEFORE_CHARS) : found.start()]
        name = _NAME.search(before)
        if name is not None and _is_telling(name["name"]):
            yield Span(*found.span("value"), "secret")


def looks_random(value: str) -> bool:
    """Whether a value is drawn by chance rather than written: letters and digits
    mixed, many different ones, not words joined by `_`, `-`, `.` or `/`.
    """
    if _STAND_IN.search(value):
        return False
    if _HEX.fullmatch(value):
        return len(value) >= 16 and entropy_bits(value) >= _LEAST_HEX_BITS
    kinds = sum(map(any, zip(*(_kinds(c) for c in value), strict=True)))
    if kinds < 2 or not any(map(str.isdigit, value)):
        return False
    return not _is_words(value) and entropy_bits(value) >= _LEAST_BITS


def entropy_bits(value: str) -> float:
    """Shannon entropy of the characters' frequencies, in bits a character."""
    total = len(value)
    counts = Counter(value).values()
    return -sum(n / total * math.log2(n / total) for n in counts)


def _kinds(character: str) -> tuple[bool, bool, bool]:
    return character.islower(), character.isupper(), character.isdigit()


def _is_words(value: str) -> bool:
    """`my-service-v2`, `app.settings.Base64`: each part a word or a short number."""
    parts = [part for part in _PARTS.split(value) if part]
    return all(_is_word(part) for part in parts)


def _is_word(part: str) -> bool:
    letters = part.rstrip("0123456789")
    if len(part) - len(letters) > 4:
        return False
    camel = re.sub("[A-Z][a-z]+", "", letters[:1].upper() + letters[1:])
    return letters == "" or camel == "" or (letters.isalpha() and letters.isupper())


def _is_telling(name: str) -> bool:
    return bool(_TELLING.search(name)) and not _NOT_TELLING.search(name)
