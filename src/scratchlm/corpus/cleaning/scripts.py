"""Scripts that one language has to itself: there the letters say which it is.

Counted are the letters of a sample by their Unicode block. Hebrew, Arabic,
Devanagari, Bengali, Ethiopic, Tibetan, Cyrillic and Latin are shared by several
languages, and Han by Chinese and Japanese, so those go on to the model.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_NONE, _SHARED, _HAN, _KANA, _POLYTONIC = range(5)
# Language: first and last code point of each range, in whole blocks of 16.
_OWN = {
    "el": [(0x370, 0x3FF)],
    "hy": [(0x530, 0x58F)],
    "dv": [(0x780, 0x7BF)],
    "nqo": [(0x7C0, 0x7FF)],
    "pa": [(0xA00, 0xA7F)],
    "gu": [(0xA80, 0xAFF)],
    "or": [(0xB00, 0xB7F)],
    "ta": [(0xB80, 0xBFF)],
    "te": [(0xC00, 0xC7F)],
    "kn": [(0xC80, 0xCFF)],
    "ml": [(0xD00, 0xD7F)],
    "si": [(0xD80, 0xDFF)],
    "th": [(0xE00, 0xE7F)],
    "lo": [(0xE80, 0xEFF)],
    "my": [(0x1000, 0x109F)],
    "ka": [(0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F)],
    "ko": [(0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF)],
    "chr": [(0x13A0, 0x13FF), (0xAB70, 0xABBF)],
    "km": [(0x1780, 0x17FF), (0x19E0, 0x19FF)],
    "sat": [(0x1C50, 0x1C7F)],
    "ii": [(0xA000, 0xA4CF)],
}
_OTHERS = {
    _HAN: [(0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)],
    _KANA: [(0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF60, 0xFF9F)],
    _POLYTONIC: [(0x1F00, 0x1FFF)],
    _NONE: [
        *((0x00, 0x3F), (0xA0, 0xBF), (0x300, 0x36F), (0x2000, 0x2BFF)),
        *((0x2E00, 0x303F), (0xE000, 0xF8FF), (0xFE00, 0xFE6F), (0xFFF0, 0xFFFF)),
        *((0xFF00, 0xFF1F), (0x1F000, 0x1FBFF), (0xE0000, 0x10FFFF)),
    ],
}
_LANGUAGES = tuple(_OWN)
_FIRST = len(_OTHERS) + 1  # the number of the first script in _OWN
_OWN_FRAC = 0.8  # of all letters
_KANA_FRAC = 0.1  # of Han and kana: less may be a Japanese name in Chinese text
_FEWEST_LETTERS = 4


def _table() -> NDArray[np.uint8]:
    """Number of the script of each block of 16 code points."""
    table = np.full(0x11000, _SHARED, np.uint8)
    numbered = [*_OTHERS.items(), *enumerate(_OWN.values(), _FIRST)]
    for number, ranges in numbered:
        for first, last in ranges:
            table[first >> 4 : (last >> 4) + 1] = number
    return table


_SCRIPT = _table()


def languages_by_script(samples: Sequence[Sequence[bytes]]) -> list[str | None]:
    """The language of each sample (pieces of UTF-8), None where letters do not tell."""
    counts = _count_scripts(samples)
    letters = counts[:, 1:].sum(axis=1)
    enough = np.maximum(_OWN_FRAC * letters, _FEWEST_LETTERS)
    own = counts[:, _FIRST:]
    best = own.argmax(axis=1)
    told = own.max(axis=1) >= enough
    told &= ~((counts[:, _POLYTONIC] > 0.01 * letters) & (best == 0))
    japanese = counts[:, _HAN] + counts[:, _KANA]
    kana = (japanese >= enough) & (counts[:, _KANA] >= _KANA_FRAC * japanese)
    names = [_LANGUAGES[i] if yes else None for i, yes in zip(best, told, strict=True)]
    return ["ja" if yes else name for name, yes in zip(names, kana, strict=True)]


def _count_scripts(samples: Sequence[Sequence[bytes]]) -> NDArray[np.int64]:
    """(samples, scripts) number of characters."""
    joined = [b"".join(sample).decode("utf-8", "replace") for sample in samples]
    n_scripts = _FIRST + len(_OWN)
    owner = np.repeat(np.arange(len(joined)), [len(text) for text in joined])
    points = np.frombuffer("".join(joined).encode("utf-32-le"), np.uint32)
    keys = owner * n_scripts + _SCRIPT[points >> 4]
    counts = np.bincount(keys, minlength=len(joined) * n_scripts)
    return counts.reshape(len(joined), n_scripts)
