"""What a word is: white-space words, cut further in scripts that are written without.

Two splitters, by name. `white_space` is `str.split`, what the published figures of the
filters are compared with. `unicode`, the default, is the same for every script with
blanks between words; where there are none it follows the default rules of Unicode
Standard Annex #29, without a dictionary: an ideograph (Chinese, Japanese), a hiragana,
a letter of Thai, Lao, Khmer or Burmese, each with its marks, is one word; katakana in
a row is one word. So a "word" of these is about a syllable, and thresholds on the
length of words that were made for English do not fit them.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

from scratchlm import native
from scratchlm.corpus.filters.marks import SYMBOLS, code_points

WordForm = Literal["unicode", "white_space"]

_ALONE = """
2e80-2fd5 3005 3007 3021-3029 3038-303b 3400-4dbf 4e00-9fff f900-faff 20000-3ffff
3041-3096 309d-309f 1b001-1b11f
e01-e3a e40-e4e e81-ec4 ec6-ecd edc-edf 1000-103f 1050-109f 1780-17d3 17d7 17dc-17dd
1950-1974 1980-19c9 1a20-1a5e aa60-aa7f aa80-aadd
"""  # ideographs; hiragana; Thai, Lao, Burmese, Khmer, Tai Le … Tai Viet
_RUN = """
3031-3035 309b-309c 30a1-30fa 30fc-30ff 31f0-31ff 32d0-32fe 3300-3357 ff66-ff9f 1b000
"""  # katakana

# The bits of the table, as in native/words.h.
_BLANK, _ALPHABETIC, _SYMBOL, _IS_ALONE, _IS_RUN, _IS_MARK = 1, 2, 4, 8, 16, 32
_LAST = 0x40000  # from here on there are no letters, blanks, marks of scripts
_N_CODE_POINTS = 0x110000
_MOST_NATIVE = 2**30  # characters: more than any reader lets through


class WordCounts(NamedTuple):
    """A text's words by what they are made of."""

    n_words: int
    n_spelled: int
    """Words with a character that is no symbol (`marks.SYMBOLS`)."""
    spelled_chars: int
    """Code points of these."""
    n_alphabetic: int
    """Words with a letter (`str.isalpha`)."""


def is_plain(text: str, form: WordForm = "unicode") -> bool:
    """Are the words of this text those between white space?"""
    return form == "white_space" or text.isascii() or not _alone_or_run().search(text)


def split_words(text: str, form: WordForm = "unicode") -> list[str]:
    """The words of a text, in order; none is empty or holds white space."""
    return text.split() if is_plain(text, form) else _word().findall(text)


def count_words(text: str, form: WordForm = "unicode") -> WordCounts:
    """Count a text's words: in C where it was built, with the same result without."""
    if native.core is not None and len(text) < _MOST_NATIVE:
        try:
            return WordCounts(*native.core.count_words(word_table(form), text))
        except UnicodeEncodeError:  # half a surrogate pair
            pass
    return word_counts(split_words(text, form))


def word_counts(words: Sequence[str]) -> WordCounts:
    """The counts of given words: the reference."""
    spelled = spelled_chars = alphabetic = 0
    for word, count in Counter(words).items():
        if not SYMBOLS.issuperset(word):
            spelled += count
            spelled_chars += count * len(word)
        if any(map(str.isalpha, word)):
            alphabetic += count
    return WordCounts(len(words), spelled, spelled_chars, alphabetic)


@cache
def word_table(form: WordForm) -> bytes:
    """What the C core needs to know of each code point: bits, one byte each.

    Letters and white space are those of this Python's Unicode, as in the reference.
    """
    characters = list(map(chr, range(_LAST)))
    table = bytearray(_N_CODE_POINTS)
    table[:_LAST] = map(_ALPHABETIC.__mul__, map(str.isalpha, characters))
    for found in re.finditer(r"\s", "".join(characters)):
        table[found.start()] |= _BLANK
    for symbol in SYMBOLS:
        table[ord(symbol)] |= _SYMBOL
    if form == "unicode":
        _add_scripts(table, characters)
    return bytes(table)


def _add_scripts(table: bytearray, characters: Sequence[str]) -> None:
    for code, category in enumerate(map(unicodedata.category, characters)):
        if category[0] == "M":
            table[code] |= _IS_MARK
    for ranges, bit in ((_ALONE, _IS_ALONE), (_RUN, _IS_RUN)):
        for code in code_points(ranges):
            if not table[code] & _IS_MARK:
                table[code] |= bit


@cache
def _alone_or_run() -> re.Pattern[str]:
    table = word_table("unicode")
    return re.compile(f"[{_class(table, _IS_ALONE)}{_class(table, _IS_RUN)}]")


@cache
def _word() -> re.Pattern[str]:
    table = word_table("unicode")
    alone, run, mark = (_class(table, bit) for bit in (_IS_ALONE, _IS_RUN, _IS_MARK))
    return re.compile(
        rf"[{alone}][{mark}]*|[{run}][{run}{mark}]*|[^\s{alone}{run}][^\s{alone}{run}]*"
    )


def _class(table: bytes, bit: int) -> str:
    """A regular expression's class of the code points that have a bit."""
    bits = bytes(byte & bit and 1 for byte in table[:_LAST])
    runs = re.finditer(b"\x01+", bits)
    return "".join(f"\\U{run.start():08x}-\\U{run.end() - 1:08x}" for run in runs)
