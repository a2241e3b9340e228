"""Five-word shingles of many documents at once, as 64-bit hashes.

Shingle i of a document is a hash of its words i .. i+4; a document of fewer than five
words has one shingle of them all, an empty one none. `shingle_sets` runs in C where
the core is built; the rest of this module, over whole blocks in NumPy, is its
reference and gives the same numbers. D: documents, N: shingles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scratchlm.corpus.dedup.words import (
    Bytes,
    Hashes,
    Indices,
    constants,
    find_words,
    mix,
)
from scratchlm.native import core

WORDS_PER_SHINGLE = 5
BLOCK_BYTES = 2**18  # fits the second-level cache: twice as fast as 4 MiB
CALL_CHARS = 2**24  # texts given to C at a time: those not ASCII are encoded for it

Texts = Sequence[str] | tuple[Bytes, Indices]
"""A list of texts; or, as a column holds them, all bytes and (D + 1,) offsets."""

_PLACE = constants(WORDS_PER_SHINGLE + 1, seed=2)


@dataclass(frozen=True)
class ShingleBlock:
    """Shingles of documents `first .. first + len(counts) - 1`, in their order.

    `hashes` (N,) uint64 has the documents one after the other, `counts` (D,) says
    how many belong to each.
    """

    first: int
    hashes: Hashes
    counts: Indices

    @property
    def owners(self) -> Indices:
        """The document of each shingle, counted from 0 in this block: (N,)."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def per_document(self) -> Iterator[Hashes]:
        """Each document's hashes, repeats included."""
        yield from np.split(self.hashes, np.cumsum(self.counts)[:-1])


def shingle_blocks(texts: Sequence[str | bytes]) -> Iterator[ShingleBlock]:
    """Shingles of all texts, in blocks of about 256 kB of UTF-8."""
    block: list[bytes] = []
    first = size = 0
    for number, text in enumerate(texts):
        data = _utf8(text)
        if block and size + len(data) > BLOCK_BYTES:
            yield _shingle_block(first, block)
            block, first, size = [], number, 0
        block.append(data)
        size += len(data)
    if block:
        yield _shingle_block(first, block)


def unique_shingles(texts: Sequence[str | bytes]) -> Iterator[Hashes]:
    """The sorted set of shingle hashes of each text."""
    for block in shingle_blocks(texts):
        yield from map(np.unique, block.per_document())


def jaccard(left: Hashes, right: Hashes) -> float:
    """|left ∩ right| / |left ∪ right| of two sorted sets; 0 if both are empty."""
    if len(left) > len(right):
        left, right = right, left
    if not len(left):
        return 0.0
    place = np.minimum(np.searchsorted(right, left), len(right) - 1)
    common = int(np.count_nonzero(right[place] == left))
    return common / (len(left) + len(right) - common)


def shingle_sets(texts: Texts, threads: int = 1) -> tuple[Hashes, Indices]:
    """Sorted shingle hashes of each text, without repeats.

    Returns hashes (N,), those of text d being hashes[offsets[d] : offsets[d + 1]],
    and offsets (D + 1,).
    """
    hashes, counts = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    if core is None:
        for found in unique_shingles(as_list(texts)):
            hashes.append(found)
            counts.append(np.array([len(found)]))
    else:
        for call in calls(texts):
            data, lengths = core.shingle_sets(call, threads)
            hashes.append(np.frombuffer(data, np.uint64))
            counts.append(np.frombuffer(lengths, np.int64))
    return np.concatenate(hashes), offsets_of(np.concatenate(counts))


def offsets_of(counts: Indices) -> Indices:
    """Where each of some parts begins, and the end: (D + 1,)."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def as_list(texts: Texts) -> Sequence[str | bytes]:
    """The texts one by one; those of a column as bytes."""
    if not isinstance(texts, tuple):
        return texts
    data, offsets = texts
    pairs = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return [data[begin:end].tobytes() for begin, end in pairs]


def calls(texts: Texts) -> Iterator[list[str | bytes] | tuple[Bytes, Indices]]:
    """What one call of the C core is given: a column as it is, a list in pieces.

    ASCII is read where it lies; other texts are encoded, a piece at a time, since a
    string would keep its UTF-8 for as long as it lives.
    """
    if isinstance(texts, tuple):
        yield texts
        return
    piece: list[str | bytes] = []
    size = 0
    for text in texts:
        piece.append(text if text.isascii() else text.encode("utf-8", "surrogatepass"))
        size += len(text)
        if size >= CALL_CHARS:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def _utf8(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def _shingle_block(first: int, documents: list[bytes]) -> ShingleBlock:
    sizes = np.array([len(document) for document in documents])
    begins = np.cumsum(sizes + 1) - (sizes + 1)
    words = find_words(b"\0".join(documents))
    edges = np.append(np.searchsorted(words.starts, begins), len(words.starts))
    hashes, counts = _join_words(words.hashes, edges)
    return ShingleBlock(first, hashes, counts)


def _join_words(words: Hashes, edges: Indices) -> tuple[Hashes, Indices]:
    """Shingles from word hashes; document d has words edges[d] .. edges[d+1]."""
    begins, ends = edges[:-1], edges[1:]
    padded = np.append(words, np.zeros(WORDS_PER_SHINGLE - 1, dtype=np.uint64))
    shingles = padded[: len(words)] * _PLACE[0]
    for place in range(1, WORDS_PER_SHINGLE):
        shingles += padded[place : place + len(words)] * _PLACE[place]
    _join_short(padded, shingles, begins, ends)
    whole = np.ones(len(words), dtype=np.bool_)
    for back in range(1, WORDS_PER_SHINGLE):
        position = ends - back
        whole[position[position > begins]] = False
    lengths = ends - begins
    counts = np.maximum(lengths - (WORDS_PER_SHINGLE - 1), np.minimum(lengths, 1))
    return mix(shingles[whole]), counts


def _join_short(
    padded: Hashes, shingles: Hashes, begins: Indices, ends: Indices
) -> None:
    """Replace the one shingle of documents of one to four words."""
    lengths = ends - begins
    short = np.flatnonzero((lengths > 0) & (lengths < WORDS_PER_SHINGLE))
    total = lengths[short].astype(np.uint64) * _PLACE[WORDS_PER_SHINGLE]
    for place in range(WORDS_PER_SHINGLE - 1):
        present = (lengths[short] > place).astype(np.uint64)
        total += padded[begins[short] + place] * present * _PLACE[place]
    shingles[begins[short]] = total
