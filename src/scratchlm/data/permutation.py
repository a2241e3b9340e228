"""A shuffle without a table: a keyed bijection of 0 … size - 1.

A Feistel network (Luby and Rackoff 1988) permutes the 4^k numbers of 2k bits, the
smallest such power not below `size`; a result outside 0 … size - 1 is permuted again
until it falls inside ("cycle walking", Black and Rogaway 2002), which keeps the map a
bijection. Any position of any epoch is known at once, so a run resumes anywhere.
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

N_ROUNDS = 6


def permute(
    positions: NDArray[np.int64], size: int, seed: int, epoch: int
) -> NDArray[np.int64]:
    """Where the keyed permutation of 0 … size - 1 sends each position.

    Args:
        positions: (n,), each in 0 … size - 1.
        size: how many elements are shuffled, 1 … 2^62.
        seed: any integer; with `epoch` it is the key.
        epoch: another epoch is another permutation.

    Returns:
        (n,) int64; all positions together give every number once.
    """
    assert 1 <= size <= 1 << 62
    half_bits = max(1, ((size - 1).bit_length() + 1) // 2)
    keys = _round_keys(seed, epoch)
    result = _feistel(positions.astype(np.uint64), half_bits, keys)
    while (outside := result >= size).any():
        result[outside] = _feistel(result[outside], half_bits, keys)
    return result.astype(np.int64)


def rows_at(places: NDArray[np.int64], n_rows: int, seed: int) -> NDArray[np.int64]:
    """Which row stands at each place of an endless order, epoch after epoch.

    Every epoch takes each row once, in an order of its own.

    Args:
        places: (n,), 0 is the first row of the first epoch.
        n_rows: rows of an epoch.
        seed: decides the order.

    Returns:
        (n,) int64.
    """
    rows = np.empty_like(places)
    epochs = places // n_rows
    for epoch in np.unique(epochs).tolist():
        inside = epochs == epoch
        rows[inside] = permute(places[inside] % n_rows, n_rows, seed, epoch)
    return rows


@lru_cache(maxsize=16)
def _round_keys(seed: int, epoch: int) -> tuple[np.uint64, ...]:
    digest = hashlib.sha512(f"scratchlm order {seed} {epoch}".encode()).digest()
    return tuple(np.frombuffer(digest, "<u8")[:N_ROUNDS].astype(np.uint64))


def _feistel(
    values: NDArray[np.uint64], half_bits: int, keys: tuple[np.uint64, ...]
) -> NDArray[np.uint64]:
    shift = np.uint64(half_bits)
    mask = np.uint64((1 << half_bits) - 1)
    left, right = values >> shift, values & mask
    for key in keys:
        left, right = right, left ^ (_mix(right + key) & mask)
    return (left << shift) | right


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread every bit over all 64 (the finaliser of splitmix64); wraps on purpose."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
