"""Leakage: does held-out text stand in the training text?

Every passage of n = 32 ids of the held-out split is hashed, then every passage of the
training split, at every place. A held-out token leaks where a passage around it occurs
in training. Documents were kept apart before, by likeness; this looks at what the model
really reads, after encoding, and so finds a split that went wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchlm.data import TokenStore
from scratchlm.train.sanity import Finding

PASSAGE = 32
"""Ids of a passage: long enough that chance and idiom do not reach it. A power of 2."""
BLOCK = 2**20
"""Training tokens that are hashed at a time."""
MOST_HELDOUT = 2**21
NORMAL_FRAC = 0.02
"""Share that licences and boilerplate reach in clean splits."""
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that powers of it stay odd
_SIEVE_BITS = 24

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Leakage:
    """What was found."""

    leaked_frac: float
    """Share of the held-out tokens in passages that training text holds too."""
    heldout_tokens: int
    """Held-out tokens that were looked for."""
    train_tokens: int
    """Training tokens that were searched."""
    longest: tuple[int, int]
    """Where the longest leaked stretch begins in the held-out split, and its tokens."""

    def judge(self, passage: str = "") -> Finding:
        """Say it in a line; `passage` is the longest stretch as text."""
        found = (
            f"{self.leaked_frac:.2%} of {self.heldout_tokens:,} held-out tokens stand "
            f"in passages of {PASSAGE} that the training text ({self.train_tokens:,} "
            "tokens searched) holds too"
        )
        if self.leaked_frac <= NORMAL_FRAC:
            return Finding("leakage", True, found)
        begin = " ".join(passage.split())[:60]
        where = f"the longest, {self.longest[1]:,} tokens"
        where += f", begins “{begin}”" if begin else f", begins at {self.longest[0]:,}"
        return Finding(
            "leakage",
            False,
            f"{found}; held-out figures will look better than they are: build the "
            f"corpus with duplicates removed ({where})",
        )


def find_leakage(
    train: TokenStore, heldout: TokenStore, most_train_tokens: int = 2**24
) -> Leakage:
    """Search training text for held-out passages; about 0.1 s a million tokens.

    Args:
        train: searched evenly where it has more than `most_train_tokens`.
        heldout: its first two million tokens are looked for.
        most_train_tokens: how many to search.
    """
    n_heldout = min(len(heldout), MOST_HELDOUT)
    wanted = hash_passages(heldout[:n_heldout])
    distinct = np.unique(wanted)
    sieve = np.zeros(1 << _SIEVE_BITS, np.bool_)
    sieve[_cell(distinct)] = True
    found = np.zeros(len(distinct), np.bool_)
    n_searched = 0
    for tokens in _blocks(train, most_train_tokens) if len(distinct) else ():
        n_searched += min(len(tokens), BLOCK)
        hashes = hash_passages(tokens)
        hashes = hashes[sieve[_cell(hashes)]]
        places = np.minimum(np.searchsorted(distinct, hashes), len(distinct) - 1)
        found[places[distinct[places] == hashes]] = True
    leaked = found[np.searchsorted(distinct, wanted)] if len(distinct) else found
    covered = _cover(leaked, n_heldout)
    frac = float(covered.mean()) if n_heldout else 0.0
    return Leakage(frac, n_heldout, n_searched, _longest(covered))


def hash_passages(tokens: NDArray[np.integer]) -> Hashes:
    """Hash each passage of `PASSAGE` ids: (n,) → (n - PASSAGE + 1,) uint64.

    A polynomial in a base mod 2⁶⁴, by doubling: h₂ₖ[i] = hₖ[i] · baseᵏ + hₖ[i + k].
    """
    if len(tokens) < PASSAGE:
        return np.zeros(0, np.uint64)
    hashes = _mix(tokens.astype(np.uint64) + np.uint64(1))
    power, length = _BASE, 1
    with np.errstate(over="ignore"):
        while length < PASSAGE:
            hashes = hashes[:-length] * power + hashes[length:]
            power, length = power * power, 2 * length
    return hashes


def _mix(values: Hashes) -> Hashes:
    """Spread ids over all 64 bits (the finaliser of splitmix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _cell(hashes: Hashes) -> Hashes:
    return hashes >> np.uint64(64 - _SIEVE_BITS)


def _blocks(store: TokenStore, most: int) -> Iterator[NDArray[np.integer]]:
    """Blocks that overlap by a passage; evenly spread where not all may be read."""
    starts = np.arange(0, max(1, len(store)), BLOCK)
    n_read = max(1, min(len(starts), most // BLOCK))
    for index in np.linspace(0, len(starts) - 1, n_read).astype(np.int64):
        start = int(starts[index])
        yield store[start : min(len(store), start + BLOCK + PASSAGE - 1)]


def _cover(leaked: NDArray[np.bool_], n_tokens: int) -> NDArray[np.bool_]:
    """Tokens that lie in any leaked passage, (n_tokens,)."""
    edges = np.zeros(n_tokens + 1, np.int64)
    starts = np.flatnonzero(leaked)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + PASSAGE, -1)
    return np.cumsum(edges[:-1]) > 0


def _longest(covered: NDArray[np.bool_]) -> tuple[int, int]:
    """Begin and length of the longest run."""
    steps = np.diff(np.concatenate(([0], covered.astype(np.int8), [0])))
    begins, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    if not len(begins):
        return 0, 0
    best = int(np.argmax(ends - begins))
    return int(begins[best]), int(ends[best] - begins[best])
