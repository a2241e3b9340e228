"""Documents up to a quota of bytes, in the order of their keys, without a sort of all.

Of a quota of 2.3 times a source every document stands twice, and those with the
smallest keys once more: up to the key at which their bytes come nearest to 0.3 times
the source. That key is found in two passes over all rows: a histogram by the highest
16 bits of the key, then a sort of the one bin in which it lies.
"""

from collections.abc import Callable, Iterator

import numpy as np

from scratchlm.corpus.dedup.words import Hashes, Indices

BIN_BITS = 16
Rows = tuple[Hashes, Indices]
"""Keys and bytes of some rows, (N,) each."""


def find_limit(rows: Callable[[], Iterator[Rows]], n_bytes: int) -> int:
    """The number below which keys are taken, so that their bytes come nearest to
    `n_bytes`; of two that are as near, the one that takes less.

    `rows()` gives all rows of a source, each time anew, in any order.
    """
    shift = np.uint64(64 - BIN_BITS)
    bins = np.zeros(2**BIN_BITS, np.int64)
    for keys, sizes in rows():
        np.add.at(bins, (keys >> shift).astype(np.int64), sizes)
    ends = np.cumsum(bins)
    if not len(ends) or n_bytes >= ends[-1]:
        return 2**64
    bin_ = int(np.searchsorted(ends, n_bytes, side="right"))
    before = int(ends[bin_] - bins[bin_])
    found = [_in_bin(keys, sizes, shift, bin_) for keys, sizes in rows()]
    keys = np.concatenate([part[0] for part in found])
    sizes = np.concatenate([part[1] for part in found])
    order = np.argsort(keys, kind="stable")
    return _nearest(keys[order], sizes[order], n_bytes - before, bin_)


def _in_bin(keys: Hashes, sizes: Indices, shift: np.uint64, bin_: int) -> Rows:
    inside = (keys >> shift) == np.uint64(bin_)
    return keys[inside], sizes[inside]


def _nearest(keys: Hashes, sizes: Indices, n_bytes: int, bin_: int) -> int:
    """A limit within a bin; rows with equal keys are taken together."""
    last = np.append(keys[1:] != keys[:-1], True)
    totals = np.concatenate([[0], np.cumsum(sizes)[last]])
    place = int(np.argmin(np.abs(totals - n_bytes)))
    if place == 0:
        return bin_ << (64 - BIN_BITS)
    return int(keys[last][place - 1]) + 1
