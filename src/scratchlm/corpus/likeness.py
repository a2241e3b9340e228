"""How much of a document stands, in the same words, in any other document.

Exact, by an inverted index over the shingles of a few documents: all others are
read past it once. Containment |A ∩ B| / |A| is at least the Jaccard similarity of A
with B, and it also sees A inside a much longer B.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from scratchlm.corpus.dedup.shingles import (
    ShingleBlock,
    shingle_blocks,
    unique_shingles,
)
from scratchlm.corpus.dedup.words import Hashes, Indices

# A shingle that more of the few share is boilerplate: it is not looked up, but
# counted as shared by somebody, which errs on the side of likeness.
MOST_OWNERS = 32


def containments(texts: Sequence[str], chosen: Sequence[int]) -> list[float]:
    """For each chosen text the largest share of its shingles found in another text.

    An upper bound that is exact where no shingle is common to over 32 chosen texts;
    0 for a text without words. `chosen` are positions in `texts`.
    """
    index = _Index([texts[number] for number in chosen])
    own = dict(zip(chosen, range(len(chosen)), strict=True))
    most = np.zeros(len(chosen), dtype=np.int64)
    for block in shingle_blocks(texts):
        for number, owners in index.matches(block):
            found, times = np.unique(owners, return_counts=True)
            times[found == own.get(number, -1)] = 0
            most[found] = np.maximum(most[found], times)
    share = (most + index.common) / np.maximum(index.sizes, 1)
    return [float(value) for value in np.minimum(share, 1.0)]


class _Index:
    """The shingles of P texts, sorted, with their owners.

    `sizes` (P,) counts each text's shingles, `common` (P,) those left out because
    more than 32 texts share them.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        sets = list(unique_shingles(texts))
        self.sizes: Indices = np.array([len(hashes) for hashes in sets], dtype=np.int64)
        hashes = np.concatenate(sets)
        owners = np.repeat(np.arange(len(sets)), self.sizes)
        order = np.argsort(hashes, kind="stable")
        hashes, owners = hashes[order], owners[order]
        _, run, times = np.unique(hashes, return_inverse=True, return_counts=True)
        rare = times[run] <= MOST_OWNERS
        self.common: Indices = np.bincount(owners[~rare], minlength=len(sets))
        self._hashes, self._owners = hashes[rare], owners[rare]
        bits = max(10, (16 * len(hashes)).bit_length())
        self._mask = np.uint64((1 << bits) - 1)
        self._maybe = np.zeros(1 << bits, dtype=np.bool_)
        self._maybe[self._hashes & self._mask] = True

    def matches(self, block: ShingleBlock) -> Iterator[tuple[int, Indices]]:
        """For each text of a block that shares anything: its position, and the
        owner of each distinct shingle that it shares (repeated for each)."""
        likely = self._maybe[block.hashes & self._mask]
        documents, hashes = block.owners[likely], block.hashes[likely]
        borders = np.flatnonzero(np.diff(documents)) + 1
        for part in np.split(np.arange(len(documents)), borders):
            if len(part):
                owners = self._owners_of(np.unique(hashes[part]))
                yield block.first + int(documents[part[0]]), owners

    def _owners_of(self, hashes: Hashes) -> Indices:
        first = np.searchsorted(self._hashes, hashes, side="left")
        times = np.searchsorted(self._hashes, hashes, side="right") - first
        begin = np.repeat(first - (np.cumsum(times) - times), times)
        return self._owners[begin + np.arange(len(begin))]
