"""Near-duplicate removal: MinHash finds candidates, exact Jaccard decides.

One-permutation MinHash (Li, Owen, Zhang 2012) of 108 values: the high bits of a
shingle's hash choose the value's place, the low bits compete for the minimum; a
place that stays empty borrows from the next full one plus a constant per step
(Shrivastava, Li 2014). 18 bands of 6 values propose a pair of Jaccard similarity J
with probability 1 - (1 - J**6)**18: 0.90 at J = 0.7, 0.996 at 0.8.

Documents are taken from the longest to the shortest (equal lengths by id). Each is
compared with the *kept* documents that share a band; where the exact Jaccard
similarity of the shingle sets reaches the threshold it goes, else it is kept. So
every removal was verified against a document that stays, chains of likeness remove
nothing by themselves, and the order of the input does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.document import Document
from scratchlm.corpus.dedup.shingles import (
    Hashes,
    Indices,
    ShingleBlock,
    jaccard,
    mix,
    shingle_blocks,
    unique_shingles,
)

BANDS, ROWS = 18, 6
PLACES = BANDS * ROWS
EMPTY = np.uint32(0xFFFFFFFF)
# The estimate from 108 values has a standard error of at most 0.048: a candidate
# that falls short by five of them is not worth an exact comparison.
ESTIMATE_MARGIN = 0.25
MOST_DOCUMENT_CHARS = 32 * 2**20
# Where thousands of documents share a template but not their text, a look at all
# of them is quadratic. Past these limits a duplicate may stay; none goes wrongly.
MOST_LEADERS_PER_BUCKET = 64
MOST_EXACT_COMPARISONS = 16

Signatures = NDArray[np.uint32]


@dataclass(frozen=True)
class NearDuplicate:
    """`removed` resembles `kept` with this exact Jaccard similarity."""

    removed: str
    kept: str
    jaccard: float


def remove_near_duplicates(
    documents: Sequence[Document], threshold: float
) -> tuple[list[Document], list[NearDuplicate]]:
    """The documents that stay, in their order, and what was removed and why.

    Documents of more than 32 M characters are kept without a look.
    """
    compared = [d for d in documents if len(d.text) <= MOST_DOCUMENT_CHARS]
    compared.sort(key=lambda document: (-len(document.text), document.id))
    texts = [document.text for document in compared]
    signatures = sign(texts)
    buckets = _shared_buckets(_band_keys(signatures))
    buckets[(signatures == EMPTY).all(axis=1)] = -1  # no words, no likeness
    candidates = np.flatnonzero((buckets >= 0).any(axis=1))
    sets = dict(
        zip(
            candidates.tolist(),
            unique_shingles([texts[number] for number in candidates]),
            strict=True,
        )
    )
    pairs = _verify(signatures, buckets, sets, threshold)
    removed = [
        NearDuplicate(compared[a].id, compared[b].id, likeness)
        for a, b, likeness in pairs
    ]
    gone = {pair.removed for pair in removed}
    kept = [document for document in documents if document.id not in gone]
    return kept, sorted(removed, key=lambda pair: pair.removed)


def sign(texts: Sequence[str]) -> Signatures:
    """MinHash signatures (D, 108); a text without words has EMPTY everywhere."""
    tables = [_sign_block(block) for block in shingle_blocks(texts)]
    if not tables:
        return np.empty((0, PLACES), dtype=np.uint32)
    return np.concatenate(tables)


def _sign_block(block: ShingleBlock) -> Signatures:
    table = np.full(len(block.counts) * PLACES, EMPTY, dtype=np.uint32)
    high = block.hashes >> np.uint64(32)
    place = ((high * np.uint64(PLACES)) >> np.uint64(32)).astype(np.int64)
    place += block.owners * PLACES
    value = (block.hashes & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    np.minimum.at(table, place, np.minimum(value, EMPTY - np.uint32(1)))
    signatures = table.reshape(-1, PLACES)
    _fill_empty(signatures, block.counts)
    return signatures


def _fill_empty(signatures: Signatures, counts: Indices) -> None:
    """Let empty places of documents with words borrow from the next full one."""
    rows = np.flatnonzero((signatures == EMPTY).any(axis=1) & (counts > 0))
    table = signatures[rows]
    twice = np.concatenate([table, table], axis=1) != EMPTY
    place = np.where(twice, np.arange(2 * PLACES), 2 * PLACES)
    following = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1][:, :PLACES]
    distance = following - np.arange(PLACES)
    borrowed = np.take_along_axis(table, following % PLACES, axis=1)
    signatures[rows] = borrowed + distance.astype(np.uint32) * np.uint32(0x9E3779B1)


def _band_keys(signatures: Signatures) -> Hashes:
    """One key a band: (D, 18)."""
    rows = signatures.reshape(-1, BANDS, ROWS).astype(np.uint64)
    keys = np.zeros(rows.shape[:2], dtype=np.uint64)
    for row in range(ROWS):
        keys += rows[:, :, row]
        keys = mix(keys)
    return keys


def _shared_buckets(keys: Hashes) -> Indices:
    """A number for each key that documents share in a band, else -1: (D, 18)."""
    buckets = np.full(keys.shape, -1, dtype=np.int64)
    if len(keys) < 2:
        return buckets
    for band in range(BANDS):
        order = np.argsort(keys[:, band], kind="stable")
        ordered = keys[order, band]
        new = np.append(True, ordered[1:] != ordered[:-1])
        run = np.cumsum(new) - 1
        shared = np.bincount(run)[run] > 1
        buckets[order[shared], band] = run[shared]
    return buckets


def _verify(
    signatures: Signatures,
    buckets: Indices,
    sets: dict[int, Hashes],
    threshold: float,
) -> list[tuple[int, int, float]]:
    """(removed, kept, similarity) by position; positions are in priority order."""
    leaders: dict[tuple[int, int], list[int]] = {}
    pairs = []
    for number in sets:
        keys = [(band, int(run)) for band, run in enumerate(buckets[number])]
        keys = [key for key in keys if key[1] >= 0]
        rivals = sorted({leader for key in keys for leader in leaders.get(key, ())})
        found = _best_match(number, rivals, signatures, sets, threshold)
        if found is not None:
            pairs.append((number, *found))
            continue
        for key in keys:
            bucket = leaders.setdefault(key, [])
            if len(bucket) < MOST_LEADERS_PER_BUCKET:
                bucket.append(number)
    return pairs


def _best_match(
    number: int,
    rivals: list[int],
    signatures: Signatures,
    sets: dict[int, Hashes],
    threshold: float,
) -> tuple[int, float] | None:
    """The first rival, by estimated likeness, whose exact one is high enough."""
    if not rivals:
        return None
    estimate = (signatures[rivals] == signatures[number]).mean(axis=1)
    nearest = np.argsort(-estimate, kind="stable")[:MOST_EXACT_COMPARISONS]
    for place in nearest.tolist():
        if estimate[place] < threshold - ESTIMATE_MARGIN:
            return None
        likeness = jaccard(sets[number], sets[rivals[place]])
        if likeness >= threshold:
            return rivals[place], likeness
    return None
