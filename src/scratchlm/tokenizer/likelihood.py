"""Learn merges by likelihood: the pair that is most often together when it occurs.

The next pair is the one with the highest

    score(a, b) = count(ab) / (count(a) · count(b))

which is what a merge adds to the likelihood of the text under a unigram model of the
symbols (Schuster & Nakajima 2012, as commonly read). A merge lowers the counts of its
two halves, so that the scores of all pairs they stand in rise: no heap holds. The
counts therefore stand in arrays, and each step scores every pair at once.

The score is exactly this expression in 64-bit floats; of equal scores the pair with
the smaller left id, then the smaller right id, is first.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.progress import SILENT, Progress
from scratchlm.tokenizer.bpe import Merge


def learn_merges_by_likelihood(
    pieces: Iterable[tuple[Sequence[int], int]],
    n_merges: int,
    *,
    lengths: Sequence[int],
    min_frequency: int = 2,
    max_length: int | None = None,
    progress: Progress = SILENT,
) -> list[Merge]:
    """Learn merges of any symbols; merge i makes symbol `len(lengths) + i`.

    Args:
        pieces: symbols of each piece, and how often it occurs.
        n_merges: how many; fewer come back when no pair is left to merge.
        lengths: length of each symbol that there is already.
        min_frequency: a pair that occurs less often is never merged.
        max_length: no symbol longer than this is made.
        progress: told how many were learned.
    """
    limit = max_length or 1 << 30
    table = _ScoreTable(pieces, lengths, n_merges, min_frequency, limit)
    merges: list[Merge] = []
    while len(merges) < n_merges and (pair := table.pop()):
        table.merge(pair, len(lengths) + len(merges))
        merges.append(pair)
        progress.update(len(merges), n_merges, "merges")
    return merges


class _ScoreTable:
    """All pieces; for each pair its count in an array, and where it occurs."""

    def __init__(
        self,
        pieces: Iterable[tuple[Sequence[int], int]],
        lengths: Sequence[int],
        n_merges: int,
        min_frequency: int,
        max_length: int,
    ) -> None:
        listed = list(pieces)
        self._pieces = ["".join(map(chr, symbols)) for symbols, _ in listed]
        self._weights = [weight for _, weight in listed]
        self._min_frequency = min_frequency
        self._max_length = max_length
        self._lengths = list(lengths)
        self._symbols = np.zeros(len(lengths) + n_merges)  # counts of symbols
        self._where: dict[str, set[int]] = {}
        self._slots: dict[str, int] = {}
        self._pairs: list[str] = []  # by slot
        self._counts: NDArray[np.int64] = np.zeros(1024, np.int64)
        self._halves: NDArray[np.int64] = np.zeros((2, 1024), np.int64)
        occurrences: defaultdict[str, list[int]] = defaultdict(list)
        for index, piece in enumerate(self._pieces):
            for symbol in piece:
                self._symbols[ord(symbol)] += self._weights[index]
            for pair in map(str.__add__, piece, piece[1:]):
                occurrences[pair].append(index)
        for pair in sorted(occurrences):
            self._add(pair, occurrences[pair])

    def pop(self) -> Merge | None:
        """The pair with the highest score; None when none is frequent enough."""
        n_pairs = len(self._pairs)
        counts, (left, right) = self._counts[:n_pairs], self._halves[:, :n_pairs]
        frequent = counts >= self._min_frequency
        if not frequent.any():
            return None
        together = self._symbols[left] * self._symbols[right]
        scores = np.divide(counts, together, out=np.zeros(n_pairs), where=frequent)
        best = np.flatnonzero(scores == scores.max()).tolist()
        pair = min(self._pairs[slot] for slot in best)
        return ord(pair[0]), ord(pair[1])

    def merge(self, merge: Merge, made_id: int) -> None:
        """Put a new symbol in place of the pair; bring all counts up to date."""
        pair, made = chr(merge[0]) + chr(merge[1]), chr(made_id)
        self._lengths.append(self._lengths[merge[0]] + self._lengths[merge[1]])
        changes: defaultdict[str, int] = defaultdict(int)
        new: defaultdict[str, list[int]] = defaultdict(list)
        for index in sorted(self._where[pair]):
            old = self._pieces[index]
            piece = self._pieces[index] = old.replace(pair, made)
            n_made = (len(old) - len(piece)) * self._weights[index]
            for symbol, sign in ((merge[0], -1), (merge[1], -1), (made_id, 1)):
                self._symbols[symbol] += sign * n_made
            for changed in map(str.__add__, old, old[1:]):
                changes[changed] -= self._weights[index]
            for changed in map(str.__add__, piece, piece[1:]):
                if made in changed:
                    new[changed].append(index)
                else:
                    changes[changed] += self._weights[index]
        for changed, change in changes.items():
            if change and changed in self._slots:
                self._counts[self._slots[changed]] += change
        for changed in sorted(new):
            self._add(changed, new[changed])
        self._compact()

    def _add(self, pair: str, where: list[int]) -> None:
        """Follow a pair from now on, if it is frequent and short enough."""
        count = sum(map(self._weights.__getitem__, where))
        left, right = map(ord, pair)
        length = self._lengths[left] + self._lengths[right]
        if count < self._min_frequency or length > self._max_length:
            return
        slot = self._slots[pair] = len(self._pairs)
        self._pairs.append(pair)
        if slot == len(self._counts):
            self._counts = np.concatenate([self._counts, self._counts * 0])
            self._halves = np.concatenate([self._halves, self._halves * 0], axis=1)
        self._counts[slot] = count
        self._halves[:, slot] = left, right
        self._where[pair] = set(where)

    def _compact(self) -> None:
        """Forget pairs that became rare, once they are many."""
        n_pairs = len(self._pairs)
        alive = self._counts[:n_pairs] >= self._min_frequency
        if 2 * int(alive.sum()) > n_pairs:
            return
        kept = np.flatnonzero(alive)
        for slot in np.flatnonzero(~alive).tolist():
            del self._slots[self._pairs[slot]], self._where[self._pairs[slot]]
        self._pairs = [self._pairs[slot] for slot in kept.tolist()]
        self._slots = {pair: slot for slot, pair in enumerate(self._pairs)}
        self._counts[: len(kept)] = self._counts[kept]
        self._halves[:, : len(kept)] = self._halves[:, kept]
