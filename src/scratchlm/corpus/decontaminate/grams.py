"""Words of documents and hashes of n words in a row, for whole blocks of text.

Words are those of the near-duplicate search (`dedup.shingles`): runs of ASCII letters
and digits in lower case and of bytes >= 0x80; single characters in scripts without
blanks. Here the capitals of Latin-1, Greek and Cyrillic are folded too: a leak in
capitals is a leak. The hash of words w_0 … w_(n-1) is the sum of w_k · c_k with odd
constants c_k, modulo 2**64, so that all n come from one another by one addition.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from scratchlm.corpus.dedup.words import (
    Bytes,
    Hashes,
    Indices,
    Words,
    constants,
    find_words,
)

LONG = 13
SHORT = 8
SEVERAL = np.uint8(255)

_PLACE = constants(LONG, seed=4)
# Lead byte, second bytes from and to, change of the lead byte and of the second.
_CAPITALS = (
    (0xC3, 0x80, 0x96, 0, 0x20),  # × lies between
    (0xC3, 0x98, 0x9E, 0, 0x20),
    (0xCE, 0x91, 0x9F, 0, 0x20),
    (0xCE, 0xA0, 0xAB, 1, -0x20),
    (0xD0, 0x90, 0x9F, 0, 0x20),
    (0xD0, 0xA0, 0xAF, 1, -0x20),
    (0xD0, 0x80, 0x8F, 1, 0x10),
)


def words_of(texts: Sequence[bytes]) -> tuple[Words, Indices]:
    """Words of some texts, and where each text's words begin (D + 1,).

    Positions count bytes of the texts joined with one byte between them.
    """
    raw = b"\0".join(texts)
    if not raw.isascii():
        raw = _fold_capitals(raw)
    words = find_words(raw)
    sizes = np.array([len(text) + 1 for text in texts], dtype=np.int64)
    begins = np.cumsum(sizes) - sizes
    edges = np.append(np.searchsorted(words.starts, begins), len(words.starts))
    return words, edges


def read_words(words: Words, first: int, n_words: int) -> tuple[bytes, ...]:
    """Some words in a row as bytes."""
    pairs = zip(
        words.starts[first : first + n_words].tolist(),
        words.ends[first : first + n_words].tolist(),
        strict=True,
    )
    return tuple(words.folded[begin:end].tobytes() for begin, end in pairs)


def gram_hashes(words: Hashes, lengths: Sequence[int]) -> Iterator[tuple[int, Hashes]]:
    """(n, hashes of the n words from each word on) for ascending lengths up to 13."""
    total = np.zeros(len(words), dtype=np.uint64)
    for n in range(1, max(lengths, default=0) + 1):
        if n > len(words):
            return
        total = total[: len(words) - n + 1] + words[n - 1 :] * _PLACE[n - 1]
        if n in lengths:
            yield n, total


def gram_hashes_of(words: Hashes, n: int) -> Hashes:
    """The hashes of n words alone; none where there are fewer words."""
    return next((total for _, total in gram_hashes(words, (n,))), words[:0])


def gram_hashes_at(words: Hashes, places: Indices, n: int) -> Hashes:
    """The same hashes of n words, from some places only; none may pass the end."""
    total = np.zeros(len(places), dtype=np.uint64)
    for k in range(n):
        total += words[places + k] * _PLACE[k]
    return total


class Table:
    """A sorted set of hashes that is asked about many at once.

    A table of bytes, indexed by the highest bits, refuses most at first sight: 0 where
    there is none, else a mark made of the lowest bits, or SEVERAL for different marks.
    """

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes
        bits = int(np.clip(np.ceil(np.log2(len(hashes) * 16 + 1)), 8, 26))
        self._shift = np.uint64(64 - bits)
        self._marks = np.zeros(2**bits, dtype=np.uint8)
        high = (hashes >> self._shift).view(np.int64)
        self._marks[high] = _mark(hashes)
        self._marks[high[self._marks[high] != _mark(hashes)]] = SEVERAL

    def __len__(self) -> int:
        return len(self.hashes)

    def find(self, hashes: Hashes) -> tuple[Indices, Indices]:
        """Positions of those that are in the set, and their numbers in it."""
        high = (hashes >> self._shift).view(np.int64)
        marks = self._marks.take(high, mode="clip")
        places = np.flatnonzero(marks)
        marks = marks[places]
        likely = (marks == SEVERAL) | (marks == _mark(hashes[places]))
        places = places[likely]
        if not len(places):
            return places, places
        wanted = hashes[places]
        number = np.searchsorted(self.hashes, wanted)
        number[number == len(self.hashes)] = 0
        same = self.hashes[number] == wanted
        return places[same], number[same]


def _mark(hashes: Hashes) -> Bytes:
    """From 1 to 128, from the lowest seven bits."""
    return (hashes & np.uint64(127)).astype(np.uint8) + np.uint8(1)


def _fold_capitals(raw: bytes) -> bytes:
    """Latin-1 (À), Greek (Α) and Cyrillic (А, Ѐ) capitals to small letters.

    Small letters have as many bytes as capitals: the second byte grows by 0x20, or
    the letter moves into the next group of 64.
    """
    data: Bytes = np.frombuffer(raw + b"\0", dtype=np.uint8).copy()
    for lead, low, high, up, change in _CAPITALS:
        at = np.flatnonzero(data == lead)
        second = data[at + 1]
        capital = (second >= low) & (second <= high)
        at, second = at[capital], second[capital]
        data[at] = lead + up
        data[at + 1] = (second.astype(np.int16) + change).astype(np.uint8)
    return data[:-1].tobytes()
