"""Byte-level byte-pair encoding: learn merges from counted pieces, and apply them.

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
from collections.abc import Mapping
from heapq import heapify, heappop, heappush
from itertools import pairwise

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
    """Learn up to `n_merges` merges, in order; the order of `counts` plays no part.

    Args:
        counts: how often each piece occurs.
        n_merges: how many; fewer come back when no pair is left to merge.
        min_frequency: a pair that occurs less often is never merged.
        max_token_bytes: no symbol longer than this is made.
    """
    table = _PairTable(counts, min_frequency)
    lengths = [1] * 256
    merges: list[Merge] = []
    while len(merges) < n_merges and (pair := table.pop()):
        left, right = ord(pair[0]), ord(pair[1])
        length = lengths[left] + lengths[right]
        if max_token_bytes is not None and length > max_token_bytes:
            continue
        table.merge(pair, chr(256 + len(merges)))
        merges.append((left, right))
        lengths.append(length)
        progress.update(len(merges), n_merges, "merges")
    return merges


def apply_merges(piece: bytes, ranks: Mapping[Merge, int]) -> list[int]:
    """Encode one piece: again and again the earliest merge, leftmost first.

    Args:
        piece: bytes of one piece.
        ranks: merge -> id of the symbol that it makes (an earlier merge, a smaller id).
    """
    if len(piece) > _LONG_PIECE_BYTES:
        return _apply_merges_to_long(piece, ranks)
    symbols = list(piece)
    while len(symbols) > 1:
        made = [ranks.get(pair, _NONE) for pair in pairwise(symbols)]
        best = min(made)
        if best == _NONE:
            break
        at = made.index(best)
        symbols[at : at + 2] = [best]
    return symbols


_NONE = 1 << 62
_LONG_PIECE_BYTES = 64  # below, quadratic work is faster than a heap


def _apply_merges_to_long(piece: bytes, ranks: Mapping[Merge, int]) -> list[int]:
    """The same result in n log n: a heap of pairs over a linked list of symbols."""
    symbols: list[int] = list(piece)
    end = len(symbols)
    following = list(range(1, end + 1))
    before = list(range(-1, end - 1))
    heap = [
        (ranks[pair], at) for at, pair in enumerate(pairwise(piece)) if pair in ranks
    ]
    heapify(heap)
    while heap:
        made, at = heappop(heap)
        right = following[at]
        if right >= end or ranks.get((symbols[at], symbols[right])) != made:
            continue  # one of the two has been merged meanwhile
        symbols[at], symbols[right] = made, -1
        following[at] = after = following[right]
        if after < end:
            before[after] = at
        for first, second in ((before[at], at), (at, after)):
            if first >= 0 and second < end:
                rank = ranks.get((symbols[first], symbols[second]))
                if rank is not None:
                    heappush(heap, (rank, first))
    return [symbol for symbol in symbols if symbol >= 0]


class _PairTable:
    """All pieces, and for each pair of neighbours its count and where it occurs."""

    def __init__(self, counts: Mapping[bytes, int], min_frequency: int) -> None:
        self._pieces = [piece.decode("latin-1") for piece in counts]
        self._weights = list(counts.values())
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
