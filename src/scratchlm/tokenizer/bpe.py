"""Byte-level byte-pair encoding: learn merges from counted pieces.

A symbol is an id: 0 to 255 are the bytes, 256 + i is what merge i made. Learning
repeats: the most frequent pair of neighbours becomes a new symbol; of pairs equally
frequent the one with the smaller left id, then the smaller right id, is first
(Sennrich et al. 2016, arXiv:1508.07909; byte level: Radford et al. 2019).

    >>> learn_merges({b"aaabdaaabac": 1}, 3, min_frequency=1)
    [(97, 97), (97, 98), (256, 257)]

While learning, a piece is a `str` with one character an id, so that finding and
replacing a pair run at C speed. Counts of pairs follow by differences; a heap holds
one entry a pair, whose count may be out of date but never too small, since the count
of a pair only falls once its two symbols exist.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush

from scratchlm.base.progress import SILENT, Progress

Merge = tuple[int, int]
"""The ids of the left and the right half of a new symbol."""


def learn_merges(
    counts: Mapping[bytes, int],
    n_merges: int,
    *,
    min_frequency: int = 2,
    max_token_bytes: int | None = None,
    progress: Progress = SILENT,
) -> list[Merge]:
    """Learn up to `n_merges` merges of bytes; the order of `counts` plays no part.

    Args:
        counts: how often each piece occurs.
        n_merges: how many; fewer come back when no pair is left to merge.
        min_frequency: a pair that occurs less often is never merged.
        max_token_bytes: no symbol longer than this is made.
        progress: told how many were learned.
    """
    return learn_merges_of_symbols(
        counts.items(),
        n_merges,
        lengths=[1] * 256,
        min_frequency=min_frequency,
        max_length=max_token_bytes,
        progress=progress,
    )


def learn_merges_of_symbols(
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
    table = _PairTable(pieces, min_frequency)
    lengths = list(lengths)
    merges: list[Merge] = []
    while len(merges) < n_merges and (pair := table.pop()):
        left, right = ord(pair[0]), ord(pair[1])
        length = lengths[left] + lengths[right]
        if max_length is not None and length > max_length:
            continue
        table.merge(pair, chr(len(lengths)))
        merges.append((left, right))
        lengths.append(length)
        progress.update(len(merges), n_merges, "merges")
    return merges


class _PairTable:
    """All pieces, and for each pair of neighbours its count and where it occurs."""

    def __init__(
        self, pieces: Iterable[tuple[Sequence[int], int]], min_frequency: int
    ) -> None:
        listed = list(pieces)
        self._pieces = ["".join(map(chr, symbols)) for symbols, _ in listed]
        self._weights = [count for _, count in listed]
        self._min_frequency = min_frequency
        self._counts: dict[str, int] = {}
        self._where: dict[str, list[int]] = {}
        self._heap: list[tuple[int, str]] = []
        occurrences: defaultdict[str, list[int]] = defaultdict(list)
        for index, piece in enumerate(self._pieces):
            for pair in map(str.__add__, piece, piece[1:]):
                occurrences[pair].append(index)
        for pair, where in occurrences.items():
            self._add(pair, where)

    def pop(self) -> str | None:
        """Take the most frequent pair out; None when no pair is frequent enough."""
        while self._heap:
            negative, pair = heappop(self._heap)
            count = self._counts[pair]
            if count == -negative:
                del self._counts[pair]
                return pair
            if count >= self._min_frequency:
                heappush(self._heap, (-count, pair))
            else:
                del self._counts[pair], self._where[pair]
        return None

    def merge(self, pair: str, made: str) -> None:
        """Put the symbol `made` in place of the pair; bring the counts up to date."""
        lefts, rights = self._replace(pair, made)
        first, last = pair[0], pair[1]
        for symbol, where in lefts.items():
            # What stood before was the pair itself: it now ends in `made` too.
            self._lower((last if symbol == made else symbol) + first, where)
            self._add(symbol + made, where)
        for symbol, where in rights.items():
            self._lower(last + symbol, where)
            self._add(made + symbol, where)

    def _replace(
        self, pair: str, made: str
    ) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        """Replace; neighbours before and after, each with the pieces it occurs in."""
        pieces = self._pieces
        lefts: defaultdict[str, list[int]] = defaultdict(list)
        rights: defaultdict[str, list[int]] = defaultdict(list)
        for index in self._where.pop(pair):
            parts = pieces[index].split(pair)
            if len(parts) == 1:
                continue  # out of date: a neighbouring merge took it
            pieces[index] = made.join(parts)
            if parts[0]:
                lefts[parts[0][-1]].append(index)
            for part in parts[1:-1]:
                if part:
                    rights[part[0]].append(index)
                    lefts[part[-1]].append(index)
                else:
                    lefts[made].append(index)
            if parts[-1]:
                rights[parts[-1][0]].append(index)
        return lefts, rights

    def _add(self, pair: str, where: list[int]) -> None:
        count = sum(map(self._weights.__getitem__, where))
        if count >= self._min_frequency:
            self._counts[pair] = count
            self._where[pair] = where
            heappush(self._heap, (-count, pair))

    def _lower(self, pair: str, where: list[int]) -> None:
        if pair in self._counts:
            self._counts[pair] -= sum(map(self._weights.__getitem__, where))
