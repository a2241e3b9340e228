"""Words of documents and hashes of n words in a row, for whole blocks of text.

Words are those of the near-duplicate search (`dedup.shingles`): runs of ASCII letters
and digits in lower case and of bytes >= 0x80; single characters in scripts without
blanks. Here the capitals of Latin-1, Greek and Cyrillic are folded too: a leak in
capitals is a leak. The hash of words w_0 … w_(n-1) is the sum of w_k · c_k with odd
constants c_k, modulo 2**64, so that all n come from one another by one addition.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.dedup import shingles

LONG = 13
SHORT = 8
Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_PLACE = shingles._constants(LONG, seed=4)


@dataclass(frozen=True)
class Words:
    """The words of a block: folded bytes, where each word begins and ends in them
    (W,), and a hash of each (W,).
    """

    folded: Bytes
    starts: Indices
    ends: Indices
    hashes: Hashes

    def text(self, first: int, n_words: int) -> tuple[bytes, ...]:
        """Some words in a row as bytes."""
        pairs = zip(
            self.starts[first : first + n_words].tolist(),
            self.ends[first : first + n_words].tolist(),
            strict=True,
        )
        return tuple(self.folded[begin:end].tobytes() for begin, end in pairs)


def find_words(texts: Sequence[bytes]) -> tuple[Words, Indices]:
    """Words of some texts, and where each text's words begin (D + 1,).

    Positions count bytes of the texts joined with one byte between them.
    """
    raw = b"\0".join(texts) + b"\0" * 9
    folded = shingles._FOLD[np.frombuffer(raw, dtype=np.uint8)]
    if folded.max(initial=0) >= 0x80:
        shingles._blank_punctuation(folded)
        _fold_capitals(folded)
    starts, ends = shingles._word_edges(folded)
    hashes = shingles._hash_words(folded, starts, ends)
    sizes = np.array([len(text) + 1 for text in texts], dtype=np.int64)
    begins = np.cumsum(sizes) - sizes
    edges = np.append(np.searchsorted(starts, begins), len(starts))
    return Words(folded, starts, ends, hashes), edges


def gram_hashes(words: Hashes, lengths: Sequence[int]) -> Iterator[tuple[int, Hashes]]:
    """(n, hashes of the n words from each word on) for ascending lengths up to 13."""
    total = np.zeros(len(words), dtype=np.uint64)
    for n in range(1, max(lengths, default=0) + 1):
        if n > len(words):
            return
        total = total[: len(words) - n + 1] + words[n - 1 :] * _PLACE[n - 1]
        if n in lengths:
            yield n, total


def gram_hashes_at(words: Hashes, places: Indices, n: int) -> Hashes:
    """The same hashes of n words, from some places only; none may pass the end."""
    total = np.zeros(len(places), dtype=np.uint64)
    for k in range(n):
        total += words[places + k] * _PLACE[k]
    return total


class Table:
    """A sorted set of hashes that is asked about many at once.

    A table of bytes, indexed by the highest bits, refuses most at first sight.
    """

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = hashes
        bits = int(np.clip(np.ceil(np.log2(len(hashes) * 16 + 1)), 8, 26))
        self._shift = np.uint64(64 - bits)
        self._seen = np.zeros(2**bits, dtype=np.bool_)
        self._seen[(hashes >> self._shift).view(np.int64)] = True

    def __len__(self) -> int:
        return len(self.hashes)

    def find(self, hashes: Hashes) -> tuple[Indices, Indices]:
        """Positions of those that are in the set, and their numbers in it."""
        high = (hashes >> self._shift).view(np.int64)
        places = np.flatnonzero(self._seen.take(high, mode="clip"))
        if not len(places) or not len(self.hashes):
            return places[:0], places[:0]
        wanted = hashes[places]
        number = np.searchsorted(self.hashes, wanted)
        number[number == len(self.hashes)] = 0
        same = self.hashes[number] == wanted
        return places[same], number[same]


def _fold_capitals(folded: Bytes) -> None:
    """Latin-1 (À), Greek (Α) and Cyrillic (А, Ѐ) capitals to small letters, in place.

    Small letters have as many bytes as capitals: the second byte grows by 0x20, or
    the letter moves into the next group of 64.
    """
    for lead, low, high, up, change in (
        (0xC3, 0x80, 0x9E, 0, 0x20),
        (0xCE, 0x91, 0x9F, 0, 0x20),
        (0xCE, 0xA0, 0xA9, 1, -0x20),
        (0xD0, 0x90, 0x9F, 0, 0x20),
        (0xD0, 0xA0, 0xAF, 1, -0x20),
        (0xD0, 0x80, 0x8F, 1, 0x10),
    ):
        at = np.flatnonzero(folded == lead)
        second = folded[at + 1]
        capital = (second >= low) & (second <= high)
        if lead == 0xC3:
            capital &= second != 0x97  # ×
        at, second = at[capital], second[capital].astype(np.int16)
        folded[at] += np.uint8(up)
        folded[at + 1] = (second + change).astype(np.uint8)
