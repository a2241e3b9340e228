"""The words of texts, as hashes: found as edges of a mask, eight bytes at a time.

A word is a run of ASCII letters and digits (folded to lower case) and of bytes
>= 0x80 that are no typographic punctuation; a character of a script written without
blanks (Chinese, Japanese, Thai, Khmer …) is a word of its own, and a run longer than
64 bytes is cut every 64. No byte is touched in Python; all arithmetic is modulo 2**64
on little-endian integers with fixed constants. native/shingle.c gives the same numbers.
W: words.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST_WORD_BYTES = 64

Bytes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]


def constants(n: int, seed: int) -> Hashes:
    """`n` odd 64-bit constants from the splitmix64 sequence of `seed`."""
    values, state, mask = [], seed, 2**64 - 1
    for _ in range(n):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        values.append((z ^ (z >> 31)) | 1)
    return np.array(values, dtype=np.uint64)


_WORD = constants(4, seed=1)
_MIX = constants(2, seed=3)


def _fold_table() -> Bytes:
    table = np.zeros(256, dtype=np.uint8)
    table[ord("0") : ord("9") + 1] = np.arange(ord("0"), ord("9") + 1)
    lower = np.arange(ord("a"), ord("z") + 1, dtype=np.uint8)
    table[ord("a") : ord("z") + 1] = lower
    table[ord("A") : ord("Z") + 1] = lower
    table[0x80:] = np.arange(0x80, 0x100)
    return table


_FOLD = _fold_table()
_KEEP = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)


@dataclass(frozen=True)
class Words:
    """All words of a block of bytes, in order.

    `folded` are the bytes in lower case, zero where no word is, nine of them past the
    end; word i is folded[starts[i]:ends[i]] and has `hashes[i]`: (W,) each.
    """

    folded: Bytes
    starts: Indices
    ends: Indices
    hashes: Hashes


def find_words(raw: bytes) -> Words:
    """The words of some UTF-8; texts in it are kept apart by zero bytes."""
    folded = _FOLD[np.frombuffer(raw + b"\0" * 9, dtype=np.uint8)]
    if folded.max(initial=0) >= 0x80:
        _blank_punctuation(folded)
    starts, ends = _word_edges(folded)
    return Words(folded, starts, ends, _hash_words(folded, starts, ends))


def mix(hashes: Hashes) -> Hashes:
    """Spread every input bit over the word (in place)."""
    for constant in _MIX:
        hashes ^= hashes >> np.uint64(32)
        hashes *= constant
    hashes ^= hashes >> np.uint64(29)
    return hashes


def _blank_punctuation(folded: Bytes) -> None:
    """Typographic quotes, dashes and blanks separate words as their ASCII kin do.

    0xC2 begins U+0080 to U+00BF, 0xE2 0x80 and 0xE2 0x81 begin U+2000 to U+207F.
    """
    two = np.flatnonzero(folded == 0xC2)
    folded[two], folded[two + 1] = 0, 0
    three = np.flatnonzero(folded == 0xE2)
    three = three[(folded[three + 1] == 0x80) | (folded[three + 1] == 0x81)]
    folded[three], folded[three + 1], folded[three + 2] = 0, 0, 0


def _word_edges(folded: Bytes) -> tuple[Indices, Indices]:
    """First byte of each word, and the byte after its last."""
    inside = folded != 0
    begin = inside.copy()
    begin[1:] &= ~inside[:-1]
    if folded.max(initial=0) >= 0x80:
        _split_unspaced(folded, inside, begin)
    last = inside.copy()
    last[:-1] &= ~inside[1:] | begin[1:]
    starts, ends = np.flatnonzero(begin), np.flatnonzero(last) + 1
    if (ends - starts).max(initial=0) > LONGEST_WORD_BYTES:
        return _cut_long_words(starts, ends)
    return starts, ends


def _split_unspaced(
    folded: Bytes, inside: NDArray[np.bool_], begin: NDArray[np.bool_]
) -> None:
    """Start a word at, and after, each character of a script without blanks.

    By lead byte: 0xE3 .. 0xED hold U+3000 to U+DFFF (kana, Chinese, Hangul); 0xE0 with
    0xB8 and more holds Thai, Lao and Tibetan, 0xE1 Burmese (0x80 .. 0x82) and Khmer
    (0x9E, 0x9F).
    """
    after = np.append(folded[1:], np.uint8(0))
    lead = (folded >= 0xE3) & (folded <= 0xED)
    lead |= (folded == 0xE0) & (after >= 0xB8)
    lead |= (folded == 0xE1) & ((after <= 0x82) | (after == 0x9E) | (after == 0x9F))
    begin |= lead
    begin[3:] |= lead[:-3] & inside[3:]  # such a character has three bytes


def _cut_long_words(starts: Indices, ends: Indices) -> tuple[Indices, Indices]:
    pieces = -(-(ends - starts) // LONGEST_WORD_BYTES)
    firsts = np.repeat(np.cumsum(pieces) - pieces, pieces)
    offsets = (np.arange(len(firsts)) - firsts) * LONGEST_WORD_BYTES
    cut = np.repeat(starts, pieces) + offsets
    return cut, np.minimum(cut + LONGEST_WORD_BYTES, np.repeat(ends, pieces))


def _hash_words(folded: Bytes, starts: Indices, ends: Indices) -> Hashes:
    """One hash a word from its length and its bytes, eight at a time."""
    eights: Hashes = np.ndarray(  # the eight bytes from every position on
        shape=(len(folded) - 7,), dtype="<u8", buffer=folded.data, strides=(1,)
    )
    lengths = ends - starts
    hashes = (eights[starts] & _KEEP[np.minimum(lengths, 8)]) * _WORD[0]
    hashes += lengths.astype(np.uint64) * _WORD[1]
    for done in range(8, LONGEST_WORD_BYTES, 8):
        longer = np.flatnonzero(lengths > done)
        if not len(longer):
            break
        part = eights[starts[longer] + done]
        part &= _KEEP[np.minimum(lengths[longer] - done, 8)]
        hashes[longer] = mix(hashes[longer]) + part * _WORD[2]
    return mix(hashes)
