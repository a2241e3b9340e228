"""Seeded texts to compare two tokenizers on: each kind of thing that they stumble over.

A text is a few passages joined, each of one kind (`KINDS`); bytes are such a text
damaged. The same seed gives the same texts under every Python.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from scratchlm.tokenizer.special import SPECIAL_TOKENS

Draw = random.Random

# First and last code point of some letters of a script, and the zero of its digits.
SCRIPTS = {
    "latin": (0x41, 0x7A, 0x30),
    "latin extended": (0xC0, 0x24F, 0x30),
    "greek": (0x370, 0x3FF, 0x30),
    "cyrillic": (0x400, 0x481, 0x30),
    "armenian": (0x531, 0x586, 0x30),
    "hebrew": (0x5D0, 0x5EA, 0x30),
    "arabic": (0x620, 0x652, 0x660),
    "devanagari": (0x904, 0x94D, 0x966),
    "bengali": (0x985, 0x9CD, 0x9E6),
    "tamil": (0xB85, 0xBCD, 0xBE6),
    "thai": (0xE01, 0xE4E, 0xE50),
    "tibetan": (0xF40, 0xFBC, 0xF20),
    "georgian": (0x10A0, 0x10FF, 0x30),
    "ethiopic": (0x1200, 0x135A, 0x1369),
    "cherokee": (0x13A0, 0x13FD, 0x30),
    "khmer": (0x1780, 0x17D3, 0x17E0),
    "mongolian": (0x1820, 0x1878, 0x1810),
    "latin additional": (0x1E00, 0x1EFF, 0x30),
    "glagolitic": (0x2C00, 0x2C5F, 0x30),
    "kana": (0x3041, 0x30FF, 0xFF10),
    "han": (0x4E00, 0x9FFF, 0x3021),
    "hangul": (0xAC00, 0xD7A3, 0x30),
    "full width": (0xFF21, 0xFF5A, 0xFF10),
    "deseret": (0x10400, 0x1044F, 0x104A0),
    "adlam": (0x1E900, 0x1E94B, 0x1E950),
    "mathematical": (0x1D400, 0x1D7CB, 0x1D7CE),
    "han beyond": (0x20000, 0x2A6DF, 0x30),
    "garay": (0x10D4A, 0x10D85, 0x10D40),  # new in Unicode 16
}
SPACES = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000"
NEARLY_SPACES = "\x00\x1c\x1d\x1e\x1f\u180e\u200b\u200c\u200d\u2060\ufeff\ufffd"
LINE_ENDS = ("\n", "\n", "\n", "\n\n", "\r\n", "\n  \n", " \n", "\r")
SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~§€–—…‘’“”„¿¡•★→≠∞"
MARKS = "\u0301\u0308\u0327\u0483\u05b0\u064e\u093e\u094d\u0e31\u20dd\u3099\ufe0f"
NUMERALS = "0123456789²³¼½٣०৩๓፩ⅧⅨⅷ①⒈〇㊀㆒𝟗𐄇𑁦𞥐"
CASES = "aAzZßÆéÉǅǆǄʰªºſKıİσΣςжЖꙀⴀႠᾳᾼ中あא\u0301\u093e𐐀𐐨𝐀𝐚"
EMOJI = (
    "👍",
    "👍🏽",
    "👩\u200d💻",
    "👨\u200d👩\u200d👧\u200d👦",
    "🏳️\u200d🌈",
    "🇩🇪",
    "1️⃣",
    "❤️",
    "🎉",
)
WORDS = (
    *("the", "and", "of", "to", "import", "return", "self", "None", "class", "def"),
    *("print", "index", "HTTPServer", "getElementById", "snake_case", "CONSTANT"),
    *("x1", "utf8", "naïve", "façade", "Straße", "don't", "I'll"),
)
OPERATORS = (
    "=",
    "==",
    "->",
    " => ",
    "+=",
    "//",
    "/*",
    "*/",
    "(",
    ")",
    "):",
    "{}",
    "[0]",
)


def fuzz_texts(count: int, seed: int) -> Iterator[str]:
    """So many texts, none longer than some hundred characters."""
    draw = random.Random(seed)
    for _ in range(count):
        kinds = draw.choices(KINDS, k=draw.randrange(1, 5))
        yield "".join(kind(draw) for kind in kinds)


def fuzz_bytes(count: int, seed: int) -> Iterator[bytes]:
    """So many byte strings, most of them not UTF-8."""
    draw = random.Random(seed)
    for text in fuzz_texts(count, seed):
        if draw.random() < 0.1:
            yield draw.randbytes(draw.randrange(40))
        else:
            yield damage(draw, bytearray(text.encode()))


def damage(draw: Draw, data: bytearray) -> bytes:
    """Cut, drop, double, turn and insert some bytes."""
    for _ in range(draw.randrange(1, 6)):
        at = draw.randrange(len(data) + 1)
        change = draw.randrange(4)
        if change == 0:
            del data[at : at + draw.randrange(1, 4)]
        elif change == 1:
            data[at:at] = draw.randbytes(draw.randrange(1, 4))
        elif change == 2:
            data[at:at] = draw.choice(
                (b"\xf0\x9f", b"\xed\xa0\x80", b"\xc0\xaf", b"\xff")
            )
        else:
            data[at : at + 4] = data[at : at + 4][::-1]
    return bytes(data)


def code(draw: Draw) -> str:
    """Lines that look like a program, in ASCII."""
    lines = []
    for _ in range(draw.randrange(1, 4)):
        parts = [draw.choice(WORDS + OPERATORS) for _ in range(draw.randrange(1, 7))]
        indent = draw.choice(("", "", "    ", "        ", "\t", "  "))
        lines.append(
            indent + draw.choice((" ", "")).join(parts) + draw.choice(LINE_ENDS)
        )
    return "".join(lines)


def script(draw: Draw) -> str:
    """Words of one script, with its digits."""
    first, last, zero = SCRIPTS[draw.choice(tuple(SCRIPTS))]
    words = []
    for _ in range(draw.randrange(1, 6)):
        if draw.random() < 0.15:
            points = (zero + draw.randrange(10) for _ in range(draw.randrange(1, 6)))
        else:
            points = (draw.randint(first, last) for _ in range(draw.randrange(1, 8)))
        words.append("".join(map(chr, points)))
    return draw.choice((" ", " ", "", "  ", "-", "、")).join(words)


def contractions(draw: Draw) -> str:
    """Apostrophes and the letters that may follow them, in any case."""
    word = draw.choice(("I", "we", "WE", "x", "é", "中", "7", " ", "''", "", "\u0301"))
    letters = draw.choices("sStTmMdDrReEvVlLſaK’", k=draw.randrange(1, 4))
    return word + draw.choice("'''’") + "".join(letters)


def emoji(draw: Draw) -> str:
    """Emoji, joined or with signs that change them."""
    return "".join(
        draw.choices((*EMOJI, " ", "\u200d", "\ufe0f"), k=draw.randrange(1, 6))
    )


def control_names(draw: Draw) -> str:
    """What looks like a control token, whole or in part."""
    name = draw.choice(
        (*SPECIAL_TOKENS, "<|im_start|>", "<|fim_prefix|>", "<s>", "[CLS]")
    )
    first = draw.randrange(3) if draw.random() < 0.3 else 0
    return name[first:] + draw.choice(("", " ", "\n", name))


def repeats(draw: Draw) -> str:
    """One thing many times."""
    thing = draw.choice(
        ("a", "A", "ab", "0", " ", "\n", "\t", "'s", ".", "/", "é", "中", "=-")
    )
    return thing * draw.randrange(1, 70)


def anywhere(draw: Draw) -> str:
    """Any code points but surrogates."""
    points = (draw.randrange(0x10F800) for _ in range(draw.randrange(1, 8)))
    return "".join(chr(point + 0x800 * (point >= 0xD800)) for point in points)


def assigned(draw: Draw) -> str:
    """Code points of the planes that hold characters."""
    points = (draw.randrange(0x33000) for _ in range(draw.randrange(1, 8)))
    return "".join(chr(point + 0x800 * (point >= 0xD800)) for point in points)


def any_of(characters: str, most: int) -> Callable[[Draw], str]:
    """A kind: some of these characters."""
    return lambda draw: "".join(draw.choices(characters, k=draw.randrange(1, most)))


MIXED = SPACES + NEARLY_SPACES + SIGNS + MARKS + NUMERALS + CASES + "aeinorst   '\n"
KINDS: tuple[Callable[[Draw], str], ...] = (
    code,
    script,
    contractions,
    emoji,
    control_names,
    repeats,
    anywhere,
    assigned,
    any_of(SPACES + "  \n\n\r", 8),
    any_of(SPACES + NEARLY_SPACES + "  \n a", 10),
    any_of(NUMERALS + "  .,", 10),
    any_of(CASES + MARKS, 10),
    any_of(CASES + "AZaz' s/", 14),
    any_of(SIGNS + "  \n/'", 10),
    any_of(MIXED, 20),
)
"""Every kind of passage, each as likely as the other."""
