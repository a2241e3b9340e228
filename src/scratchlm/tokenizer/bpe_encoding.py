"""Apply merges to one piece: the specification of BPE encoding.

Again and again the merge of the lowest rank is made, the leftmost first, until no
pair of neighbours can merge (Sennrich et al. 2016, arXiv:1508.07909, algorithm 1).

    >>> apply_merges(b"abab", {(97, 98): 256, (256, 256): 257})
    [257]
"""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import pairwise

from scratchlm.tokenizer.bpe import Merge


def apply_merges(
    symbols: Sequence[int],
    ranks: Mapping[Merge, int],
    made: Mapping[int, int] | None = None,
) -> list[int]:
    """Encode one piece.

    Args:
        symbols: ids of the piece's bytes, in order; `bytes` where ids are the bytes.
        ranks: pair of ids -> its rank; the lowest is merged first.
        made: rank -> id that the merge makes; None where the rank is that id.
    """
    encode = _apply_to_long if len(symbols) > _LONG_PIECE else _apply_to_short
    return encode(symbols, ranks, made)


_NONE = 1 << 62
_LONG_PIECE = 64  # symbols; below, quadratic work is faster than a heap


def _apply_to_short(
    piece: Sequence[int], ranks: Mapping[Merge, int], made: Mapping[int, int] | None
) -> list[int]:
    symbols = list(piece)
    while len(symbols) > 1:
        found = [ranks.get(pair, _NONE) for pair in pairwise(symbols)]
        best = min(found)
        if best == _NONE:
            break
        at = found.index(best)
        symbols[at : at + 2] = [best if made is None else made[best]]
    return symbols


def _apply_to_long(
    piece: Sequence[int], ranks: Mapping[Merge, int], made: Mapping[int, int] | None
) -> list[int]:
    """The same result in n log n: a heap of pairs over a linked list of symbols."""
    symbols: list[int] = list(piece)
    end = len(symbols)
    following = list(range(1, end + 1))
    before = list(range(-1, end - 1))
    heap = [
        (ranks[pair], at) for at, pair in enumerate(pairwise(symbols)) if pair in ranks
    ]
    heapify(heap)
    while heap:
        best, at = heappop(heap)
        right = following[at]
        if right >= end or ranks.get((symbols[at], symbols[right])) != best:
            continue  # one of the two has been merged meanwhile
        symbols[at], symbols[right] = (best if made is None else made[best]), -1
        following[at] = after = following[right]
        if after < end:
            before[after] = at
        for first, second in ((before[at], at), (at, after)):
            if first >= 0 and second < end:
                rank = ranks.get((symbols[first], symbols[second]))
                if rank is not None:
                    heappush(heap, (rank, first))
    return [symbol for symbol in symbols if symbol >= 0]
