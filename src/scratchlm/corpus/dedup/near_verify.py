"""From candidates to verified pairs, in order of rank.

Documents are looked at from the one with most right to stay to the one with least.
Each is compared with kept documents of its buckets, those that share most buckets
first; where the exact likeness of the shingle sets suffices it goes, else it is kept
and remembered in its buckets. So every removal was verified against a document that
stays, and chains of likeness remove nothing by themselves. Linking, for clusters,
joins whatever is alike instead, and skips what is joined already.

Where thousands share a template but not their text, a look at all of them would be
quadratic: a bucket remembers `max_leaders`, a document is compared with
`max_comparisons`. Past these limits a duplicate may stay; none goes wrongly.
native/near.c does the same, pair by pair.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.dedup.near_config import NearConfig
from scratchlm.corpus.dedup.words import Hashes, Indices
from scratchlm.native import core

NEVER = 2.0  # no containment is as large


@dataclass(frozen=True)
class Candidates:
    """Documents in order of rank, with their buckets and shingles.

    Document d stands in buckets[bucket_at[d] : bucket_at[d + 1]], numbers below
    `n_buckets`; hashes[set_at[d] : set_at[d + 1]] are its sorted shingles, lengths[d]
    is its size in bytes. Offsets are (D + 1,).
    """

    buckets: Indices
    bucket_at: Indices
    n_buckets: int
    hashes: Hashes
    set_at: Indices
    lengths: Indices

    def shingles(self, document: int) -> Hashes:
        """The sorted shingles of one document."""
        return self.hashes[self.set_at[document] : self.set_at[document + 1]]

    def buckets_of(self, document: int) -> list[int]:
        """The buckets of one document."""
        begin, end = self.bucket_at[document : document + 2].tolist()
        buckets: list[int] = self.buckets[begin:end].tolist()
        return buckets


@dataclass(frozen=True)
class Pairs:
    """Verified pairs by rank, (N,) each: `later` resembles `earlier`.

    `common` counts the shingles that both have; `jaccard` and `containment` (of the
    later one in the earlier) are shares of 1.
    """

    later: Indices
    earlier: Indices
    common: Indices
    jaccard: NDArray[np.float64]
    containment: NDArray[np.float64]


def verify(candidates: Candidates, config: NearConfig, link: bool = False) -> Pairs:
    """The pairs by which documents go; or, if `link`, by which they are joined."""
    if core is None:
        found = find_pairs(candidates, config, link)
    else:
        data = core.find_near(
            candidates.buckets,
            candidates.bucket_at,
            candidates.hashes,
            candidates.set_at,
            candidates.lengths,
            candidates.n_buckets,
            config.threshold,
            config.containment or NEVER,
            link,
            config.max_leaders,
            config.max_comparisons,
        )
        found = np.frombuffer(data, np.int64).reshape(-1, 3)
    later, earlier, common = found[:, 0], found[:, 1], found[:, 2]
    sizes = np.diff(candidates.set_at)
    either = sizes[later] + sizes[earlier] - common
    return Pairs(later, earlier, common, common / either, common / sizes[later])


def find_pairs(candidates: Candidates, config: NearConfig, link: bool) -> Indices:
    """What the C core finds, (N, 3): later, earlier, common. The reference."""
    search = _Search(candidates, config, link)
    for document in range(len(candidates.lengths)):
        if search.judge(document):
            search.remember(document)
    return np.array(search.pairs, np.int64).reshape(-1, 3)


class _Search:
    def __init__(self, candidates: Candidates, config: NearConfig, link: bool) -> None:
        self._candidates, self._config, self._link = candidates, config, link
        self._leaders: dict[int, list[int]] = {}
        self._group = list(range(len(candidates.lengths)))
        self.pairs: list[tuple[int, int, int]] = []

    def judge(self, document: int) -> bool:
        """Compare with the likeliest rivals; does the document stay?"""
        for rival in self._rivals(document):
            mine, theirs = self._group_of(document), self._group_of(rival)
            if mine == theirs:
                continue
            common = self._common(document, rival)
            if not self._is_near(document, rival, common):
                continue
            self.pairs.append((document, rival, common))
            if not self._link:
                return False
            self._group[max(mine, theirs)] = min(mine, theirs)
        return True

    def remember(self, document: int) -> None:
        """Let the buckets of a document that stays know of it."""
        for bucket in self._candidates.buckets_of(document):
            leaders = self._leaders.setdefault(bucket, [])
            if len(leaders) < self._config.max_leaders:
                leaders.append(document)

    def _rivals(self, document: int) -> Sequence[int]:
        met = Counter(
            leader
            for bucket in self._candidates.buckets_of(document)
            for leader in self._leaders.get(bucket, ())
        )
        rivals = sorted(met, key=lambda rival: (-met[rival], rival))
        return rivals[: self._config.max_comparisons]

    def _group_of(self, document: int) -> int:
        while self._group[document] != document:
            document = self._group[document]
        return document

    def _common(self, a: int, b: int) -> int:
        left, right = self._candidates.shingles(a), self._candidates.shingles(b)
        return len(np.intersect1d(left, right, assume_unique=True))

    def _is_near(self, later: int, earlier: int, common: int) -> bool:
        a, b = (len(self._candidates.shingles(d)) for d in (later, earlier))
        long, other = self._candidates.lengths[[later, earlier]].tolist()
        least = self._config.containment or NEVER
        if not common:
            return False
        if common >= self._config.threshold * (a + b - common):
            return True
        if long <= other and common >= least * a:
            return True
        return self._link and long >= other and common >= least * b
