"""Near-duplicates among texts that are in memory: MinHash proposes, exact sets decide.

The step over shards (`near_step`) is made of the same parts and finds the same pairs.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scratchlm.corpus.dedup.minhash import band_keys, shared_buckets
from scratchlm.corpus.dedup.near_config import NearConfig
from scratchlm.corpus.dedup.near_verify import Candidates, verify
from scratchlm.corpus.dedup.shingles import offsets_of, shingle_sets
from scratchlm.corpus.dedup.words import Indices


@dataclass(frozen=True)
class NearTexts:
    """Text number `removed` resembles text number `kept`, which stays.

    `jaccard` is exact; `containment` is the share of the removed one's shingles that
    the kept one has.
    """

    removed: int
    kept: int
    jaccard: float
    containment: float


def find_near_duplicates(
    texts: Sequence[str],
    config: NearConfig | None = None,
    names: Sequence[str] | None = None,
    link: bool = False,
    threads: int | None = None,
) -> list[NearTexts]:
    """Which texts go because of which others that stay, by position.

    The longer of two stays; of two equally long ones content decides, then the name
    (the position, where there are no names). `link` joins rather than removes: then
    the second of a pair may go with the first. Takes about 150 bytes a text, and
    eight for each word of the candidates.
    """
    config = config or NearConfig()
    threads = threads or os.cpu_count() or 1
    seen = _seen(texts, config.max_document_bytes)
    keys, counts = band_keys(seen, config.bands, config.rows, threads)
    met = shared_buckets(keys, counts)
    numbers = np.unique(met.documents)
    order = _rank([texts[number] for number in numbers], names, numbers)
    ranked = numbers[order]
    hashes, set_at = shingle_sets([texts[number] for number in ranked], threads)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    entries = place[np.searchsorted(numbers, met.documents)]
    by_rank = np.argsort(entries, kind="stable")
    buckets = met.buckets[by_rank]
    candidates = Candidates(
        buckets,
        offsets_of(np.bincount(entries, minlength=len(order))),
        int(buckets.max(initial=-1)) + 1,
        hashes,
        set_at,
        np.array([n_utf8(texts[number]) for number in ranked], np.int64),
    )
    pairs = verify(candidates, config, link)
    columns = (ranked[pairs.later], ranked[pairs.earlier])
    values = (pairs.jaccard, pairs.containment)
    found = zip(*(column.tolist() for column in (*columns, *values)), strict=True)
    return sorted((NearTexts(*row) for row in found), key=lambda pair: pair.removed)


def content_key(text: bytes) -> int:
    """A number below 2**64 that depends on the content alone: it breaks ties."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def n_utf8(text: str) -> int:
    """Length in bytes."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _seen(texts: Sequence[str], most: int) -> Sequence[str]:
    """The texts, those that are too long replaced by nothing."""
    if all(len(text) <= most // 4 for text in texts):
        return texts
    return [text if n_utf8(text) <= most else "" for text in texts]


def _rank(
    texts: Sequence[str], names: Sequence[str] | None, numbers: Indices
) -> Indices:
    """The texts in the order of their right to stay: positions."""
    lengths = [n_utf8(text) for text in texts]
    times = Counter(lengths)

    def key(place: int) -> tuple[int, int, str, int]:
        content = 0
        if times[lengths[place]] > 1:
            content = content_key(texts[place].encode("utf-8", "surrogatepass"))
        number = int(numbers[place])
        return -lengths[place], content, names[number] if names else "", number

    return np.array(sorted(range(len(texts)), key=key), np.int64)
