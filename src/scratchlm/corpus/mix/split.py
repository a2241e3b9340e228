"""Which documents are held out: whole clusters of near-duplicates, by their name.

A cluster is held out if the hash of its name and the seed lies below the wished
share, so that a document keeps its side when the corpus grows. Clusters of more than
half of the wished bytes stay in train. Where that leaves nothing, the one eligible
cluster with the smallest hash is held out; of few large ones, the smallest.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.dedup.words import Hashes, Indices

LARGEST_FRAC = 0.5  # of the wished held-out bytes


@dataclass(frozen=True)
class Clusters:
    """All clusters: a hash of each one's name, ascending, and its bytes (C,)."""

    keys: Hashes
    n_bytes: Indices


def name_key(seed: int, purpose: str, name: str) -> int:
    """A number below 2**64, evenly spread, from a name and a seed."""
    data = f"{seed}\0{purpose}\0{name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def count_clusters(keys: Hashes, n_bytes: Indices) -> Clusters:
    """Clusters of rows that have these keys and sizes (N,)."""
    unique, places = np.unique(keys, return_inverse=True)
    sizes = np.zeros(len(unique), np.int64)
    np.add.at(sizes, places, n_bytes)
    return Clusters(unique, sizes)


def key_limit(heldout_frac: float) -> np.uint64:
    """Clusters with a key below this are held out, if they are not too large."""
    return np.uint64(int(heldout_frac * 2.0**64))


def choose_heldout(clusters: Clusters, heldout_frac: float, n_bytes: int) -> Hashes:
    """Keys of the clusters that are held out of `n_bytes` in all, ascending.

    `clusters` may lack those with keys from `key_limit` on.
    """
    below = clusters.keys < key_limit(heldout_frac)
    return clusters.keys[below & _eligible(clusters, heldout_frac, n_bytes)]


def choose_one(clusters: Clusters, heldout_frac: float, n_bytes: int) -> Hashes:
    """The key of the one cluster to hold out where hashes chose none; no key where
    all text is one cluster.
    """
    if len(clusters.keys) < 2:
        return clusters.keys[:0]
    eligible = _eligible(clusters, heldout_frac, n_bytes)
    sizes = np.where(eligible, 0, clusters.n_bytes)
    first = np.lexsort((clusters.keys, sizes))[:1]
    return clusters.keys[first]


def _eligible(
    clusters: Clusters, heldout_frac: float, n_bytes: int
) -> NDArray[np.bool_]:
    return clusters.n_bytes <= LARGEST_FRAC * heldout_frac * n_bytes
