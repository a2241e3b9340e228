"""Bytes -> text: which encoding a file is in, or that it is no text at all.

In this order: a byte order mark; UTF-16 or UTF-32 without one (where every second
byte of plain text is zero); the seven-bit encodings that mark themselves (ISO-2022,
HZ); UTF-8, also with rare damage; what the file itself declares; a guess by
charset-normalizer. Binary is what holds zeros or many control characters without
being UTF-16, or what looks like noise: more than 7.6 bits of entropy a byte (text
in legacy encodings stays below 7.3).
"""

import codecs
import math
from collections import Counter
from dataclasses import dataclass

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
SEVEN_BIT = (
    (b"\x1b$)C", "iso2022_kr"),
    (b"\x1b$", "iso2022_jp_ext"),
    (b"~{", "hz"),
)
# Mainframe and printer alphabets: in short Western texts they are guessed, not met.
NOT_GUESSED = [
    *("cp037", "cp273", "cp424", "cp500", "cp775", "cp875", "cp1006", "cp1026"),
    *("cp1140", "hp_roman8", "iso8859_10", "iso8859_14", "iso8859_16"),
]
# What pages mean by the names they give (WHATWG Encoding, section 4.2).
MEANT = {
    **dict.fromkeys(("ascii", "us-ascii", "iso-8859-1", "latin1"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk", "x-gbk", "gb-2312-80"), "gb18030"),
    **dict.fromkeys(("shift-jis", "sjis", "x-sjis", "windows-31j"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks-c-5601-1987", "ksc5601"), "cp949"),
    **dict.fromkeys(("tis-620", "iso-8859-11", "windows-874"), "cp874"),
    "big5": "big5hkscs",
    "iso-8859-9": "cp1254",
}
CONTROLS = bytes({*range(32), 127} - set(b"\b\t\n\v\f\r\x1a\x1b"))
SAMPLE_BYTES = 2**16
MOST_CONTROL_FRAC = 0.02
MOST_ENTROPY_BITS = 7.6
DAMAGE_FRAC = 0.05  # of the characters beyond ASCII


class UnreadableError(Exception):
    """A file, member or row that gives no text; the message is the reason."""


@dataclass(frozen=True)
class Decoded:
    """Text and the name of the encoding it came in."""

    text: str
    encoding: str


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Find the encoding and decode.

    `declared` is what the file says of itself (an HTML page's charset); it counts
    for less than a byte order mark and than being valid UTF-8.

    Raises:
        UnreadableError: binary, or no encoding fits.
    """
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return _with_damage(data, encoding)
    if b"\0" in data:
        return _decode_wide(data)
    seven_bit = _decode_seven_bit(data)  # first: it may be full of shift characters
    if seven_bit is not None:
        return seven_bit
    if _control_frac(data) > MOST_CONTROL_FRAC:
        raise UnreadableError("binary")
    return _decode_utf8(data) or _guess(data, declared)


def _with_damage(data: bytes, encoding: str) -> Decoded:
    """Decode; a few broken characters become U+FFFD."""
    text = data.decode(encoding, "replace")
    if text.count("\ufffd") > 1 + len(text) // 100:
        raise UnreadableError(f"damaged {encoding}")
    return Decoded(text, encoding)


def _decode_wide(data: bytes) -> Decoded:
    """UTF-16 or UTF-32 without a mark: the reading that looks most like text."""
    sample = data[: SAMPLE_BYTES - SAMPLE_BYTES % 4]
    best = max(WIDE, key=lambda encoding: _plain_frac(sample, encoding))
    if _plain_frac(sample, best) < 0.9:
        raise UnreadableError("binary")
    return _with_damage(data, best)


def _plain_frac(sample: bytes, encoding: str) -> float:
    """Share of printable characters; mixed-up scripts count for little.

    UTF-16 with its bytes swapped is also printable, but scattered over the
    thousands of Chinese characters: the share is taken of text whose characters
    come from few blocks of 256.
    """
    text = sample.decode(encoding, "replace")
    if not text:
        return 0.0
    blocks = Counter(ord(character) >> 8 for character in text)
    if len(blocks) > 8 and blocks[0] < len(text) // 20:
        return 0.0
    plain = sum(character.isprintable() or character.isspace() for character in text)
    return (plain - text.count("\ufffd")) / len(text)


def _control_frac(data: bytes) -> float:
    sample = data[:SAMPLE_BYTES]
    without = sample.translate(None, CONTROLS)
    return 1 - len(without) / len(sample) if sample else 0.0


def _decode_seven_bit(data: bytes) -> Decoded | None:
    if not data.isascii():
        return None
    for mark, encoding in SEVEN_BIT:
        if mark in data:
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError:
                continue
            if not text.isascii():
                return Decoded(text, encoding)
    return None


def _decode_utf8(data: bytes) -> Decoded | None:
    """UTF-8, also where a few of many characters beyond ASCII are broken."""
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    if broken <= DAMAGE_FRAC * beyond:
        return Decoded(text, "utf-8")
    return None


def _guess(data: bytes, declared: str | None) -> Decoded:
    if _entropy_bits(data[:SAMPLE_BYTES]) > MOST_ENTROPY_BITS:
        raise UnreadableError("binary")
    found = _as_declared(data, declared) if declared else None
    if found is not None:
        return found
    from charset_normalizer import from_bytes

    sample = data[:SAMPLE_BYTES]
    if len(sample) < len(data):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    match = from_bytes(sample, cp_exclusion=NOT_GUESSED).best()
    if match is None:
        raise UnreadableError("unknown encoding")
    return _with_damage(data, match.encoding)


def _as_declared(data: bytes, declared: str) -> Decoded | None:
    """In the encoding that is meant where `declared` is said, if that is plausible:
    a few broken characters are damage, many are another encoding.
    """
    name = declared.lower().replace("_", "-")
    name = MEANT.get(name, name)
    try:
        return _with_damage(data, name)
    except (LookupError, UnicodeError, UnreadableError):
        return None  # unknown, no text encoding, or not true


def _entropy_bits(sample: bytes) -> float:
    """Shannon entropy of the byte frequencies; short samples come out low."""
    total = len(sample)
    return -sum(n / total * math.log2(n / total) for n in Counter(sample).values() if n)
