"""MinHash by one permutation, and the buckets in which documents meet.

The high bits of a shingle's hash choose one of bands x rows places, the low bits
compete for the minimum there (Li, Owen, Zhang 2012); a place that stays empty borrows
from the next full one plus a constant per step (Shrivastava, Li 2014). Each band of
`rows` values becomes a 64-bit key; documents with equal keys share a bucket. A pair of
Jaccard similarity J shares one with probability 1 - (1 - J**rows)**bands: for 18 x 6
0.90 at J = 0.7, 0.996 at 0.8; for 27 x 4 0.82 at J = 0.5.

`band_keys` runs in C where the core is built; the rest is its reference in NumPy and
gives the same numbers. D: documents, N: entries.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.dedup.shingles import (
    ShingleBlock,
    Texts,
    as_list,
    calls,
    shingle_blocks,
)
from scratchlm.corpus.dedup.words import Hashes, Indices, mix
from scratchlm.native import core

EMPTY = np.uint32(0xFFFFFFFF)
BORROWED = np.uint32(0x9E3779B1)

Signatures = NDArray[np.uint32]


@dataclass(frozen=True)
class Buckets:
    """Which documents share which buckets, one entry for each: (N,) both.

    Entries ascend by document, then by bucket; only buckets that two documents or
    more share are there, numbered from 0.
    """

    documents: Indices
    buckets: Indices


def band_keys(
    texts: Texts, bands: int, rows: int, threads: int = 1
) -> tuple[Hashes, Indices]:
    """Keys (D, bands), and how many shingles each text has (D,), repeats included.

    The keys of a text without words are 0 and mean nothing.
    """
    if core is None:
        return band_keys_in_numpy(texts, bands, rows)
    keys, counts = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for call in calls(texts):
        some, lengths = core.band_keys(call, bands, rows, threads)
        keys.append(np.frombuffer(some, np.uint64))
        counts.append(np.frombuffer(lengths, np.int64))
    return np.concatenate(keys).reshape(-1, bands), np.concatenate(counts)


def band_keys_in_numpy(texts: Texts, bands: int, rows: int) -> tuple[Hashes, Indices]:
    """What `band_keys` gives, block by block: the reference."""
    keys, counts = [np.zeros((0, bands), np.uint64)], [np.zeros(0, np.int64)]
    for block in shingle_blocks(as_list(texts)):
        values = sign_block(block, bands * rows).reshape(-1, bands, rows)
        some = np.broadcast_to(np.arange(bands, dtype=np.uint64), values.shape[:2])
        some = some.copy()
        for row in range(rows):
            some += values[:, :, row]
            some = mix(some)
        some[block.counts == 0] = 0
        keys.append(some)
        counts.append(block.counts)
    return np.concatenate(keys), np.concatenate(counts)


def sign_block(block: ShingleBlock, places: int) -> Signatures:
    """Signatures (D, places); a text without words has EMPTY everywhere."""
    table = np.full(len(block.counts) * places, EMPTY, dtype=np.uint32)
    high = block.hashes >> np.uint64(32)
    place = ((high * np.uint64(places)) >> np.uint64(32)).astype(np.int64)
    place += block.owners * places
    value = (block.hashes & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    np.minimum.at(table, place, np.minimum(value, EMPTY - np.uint32(1)))
    signatures = table.reshape(-1, places)
    _fill_empty(signatures, block.counts)
    return signatures


def shared_buckets(keys: Hashes, counts: Indices) -> Buckets:
    """The buckets of documents with keys (D, bands) and `counts` (D,) shingles."""
    worded = np.flatnonzero(counts)
    flat = keys[worded].ravel()
    order = np.argsort(flat)
    ordered = flat[order]
    equal = ordered[1:] == ordered[:-1]
    shared = np.append(equal, False) | np.insert(equal, 0, False)[: len(flat)]
    shared = shared[: len(flat)]
    begins = np.insert(~equal, 0, True)[: len(flat)][shared]
    buckets = np.cumsum(begins) - 1
    documents = worded[order[shared] // keys.shape[1]]
    place = np.lexsort([buckets, documents])
    return Buckets(documents[place], buckets[place])


def _fill_empty(signatures: Signatures, counts: Indices) -> None:
    """Let empty places of documents with words borrow from the next full one."""
    places = signatures.shape[1]
    rows = np.flatnonzero((signatures == EMPTY).any(axis=1) & (counts > 0))
    table = signatures[rows]
    twice = np.concatenate([table, table], axis=1) != EMPTY
    place = np.where(twice, np.arange(2 * places), 2 * places)
    following = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1][:, :places]
    distance = following - np.arange(places)
    borrowed = np.take_along_axis(table, following % places, axis=1)
    signatures[rows] = borrowed + distance.astype(np.uint32) * BORROWED
