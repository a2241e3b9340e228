"""Marks: few places of a text, chosen by what stands there, as keys for its stretches.

A gram is a sequence of G words; of every S grams in a row the one with the smallest
hash is a mark. Two texts that share G + S - 1 words therefore share a mark, wherever
the stretch stands in them, and only one gram in about S / 2 has to be sorted.
(Winnowing: Schleimer, Wilkerson, Aiken, SIGMOD 2003.) S is a power of two, a third of
the window at most, and G the rest of it. W: words, N: marks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchlm.corpus.dedup.sorted_keys import Records
from scratchlm.corpus.dedup.words import Hashes, Indices, constants, find_words, mix
from scratchlm.corpus.flow.table import Batch

PIECE_BYTES = 2**18
SEARCHED_BYTES = 2**12
SEPARATORS = tuple(b" \n\t\r")
_POWER = int(constants(1, seed=7)[0])
_INVERSE = pow(_POWER, -1, 2**64)


@dataclass(frozen=True)
class Window:
    """How a window of `n_words` is parted into grams and choices."""

    n_words: int

    @property
    def n_choices(self) -> int:
        """S: of so many grams in a row one is a mark."""
        return 1 << ((self.n_words // 3).bit_length() - 1)

    @property
    def gram_words(self) -> int:
        """G: words of a gram."""
        return self.n_words - self.n_choices + 1


def text_pieces(text: bytes) -> Iterator[tuple[int, bytes]]:
    """A text in pieces of at most `PIECE_BYTES`, with their offsets, cut at blanks.

    Where there is none near the end of a piece it is cut between two characters.
    """
    begin = 0
    while len(text) - begin > PIECE_BYTES:
        end = begin + PIECE_BYTES
        near = text[end - SEARCHED_BYTES : end]
        found = max(near.rfind(separator) for separator in SEPARATORS)
        if found >= 0:
            end -= SEARCHED_BYTES - found - 1
        while text[end] & 0xC0 == 0x80:
            end -= 1
        yield begin, text[begin:end]
        begin = end
    yield begin, text[begin:]


def batch_marks(batch: Batch, window: Window) -> Iterator[Records]:
    """The marks of all texts of a batch: (N, 3), gram, row and byte in the text."""
    carried = np.empty((0, 3), np.uint64)
    for block in _blocks(batch):
        words = np.concatenate([carried, _word_records(block)])
        yield _marks(words, window)
        carried = words[-(window.n_words - 1) :]


def sliding_minimum(values: Hashes, n_choices: int) -> Hashes:
    """The smallest of each `n_choices` (a power of two) in a row: (W - S + 1,)."""
    width = 1
    while width < n_choices:
        values = np.minimum(values[:-width], values[width:])
        width *= 2
    return values


def _blocks(batch: Batch) -> Iterator[list[tuple[int, int, bytes]]]:
    """Pieces (row, offset, bytes) that have about one piece's bytes together."""
    block: list[tuple[int, int, bytes]] = []
    size = 0
    data, ends = batch.utf8()
    for place, row in enumerate(batch.rows.tolist()):
        text = data[ends[place] : ends[place + 1]].tobytes()
        for offset, piece in text_pieces(text):
            if size + len(piece) > PIECE_BYTES and block:
                yield block
                block, size = [], 0
            block.append((row, offset, piece))
            size += len(piece) + 1
    if block:
        yield block


def _word_records(block: Iterable[tuple[int, int, bytes]]) -> Records:
    """The words of some pieces: (W, 3), hash, row and byte in the text."""
    rows, offsets, pieces = zip(*block, strict=True)
    words = find_words(b"\0".join(pieces))
    lengths = np.array([len(piece) + 1 for piece in pieces])
    begins = np.cumsum(lengths) - lengths
    piece = np.searchsorted(begins, words.starts, "right") - 1
    at = words.starts - begins[piece] + np.array(offsets)[piece]
    columns = (words.hashes, np.array(rows)[piece], at)
    return np.column_stack([column.astype(np.uint64) for column in columns])


def _marks(words: Records, window: Window) -> Records:
    """Of all windows that lie within one row the gram with the smallest hash."""
    if len(words) < window.n_words:
        return np.empty((0, 3), np.uint64)
    grams = _gram_hashes(words[:, 0], window.gram_words)
    rows = words[:, 1]
    whole = rows[: len(words) - window.n_words + 1] == rows[window.n_words - 1 :]
    smallest = np.where(whole, sliding_minimum(grams, window.n_choices), 0)
    # a gram is a mark if it is the smallest of any window it is in
    around = np.pad(smallest, window.n_choices - 1)
    largest = ~sliding_minimum(~around, window.n_choices)
    chosen = np.flatnonzero(grams == largest)
    marks = words[chosen]
    marks[:, 0] = grams[chosen]
    again = (marks[1:, :2] == marks[:-1, :2]).all(axis=1)  # "0 0 0 0 …": once
    kept: Records = marks[np.insert(~again, 0, True)[: len(marks)]]
    return kept


def _gram_hashes(hashes: Hashes, n_words: int) -> Hashes:
    """A polynomial of each `n_words` hashes in a row, never 0: (W - G + 1,)."""
    powers = _powers(_POWER, len(hashes))
    sums = np.insert(np.cumsum(hashes * powers), 0, np.uint64(0))
    n_grams = len(hashes) - n_words + 1
    grams: Hashes = sums[n_words:] - sums[:-n_words]
    grams *= _powers(_INVERSE, n_grams)
    odd: Hashes = mix(grams) | np.uint64(1)
    return odd


def _powers(base: int, n: int) -> Hashes:
    factors: NDArray[np.uint64] = np.full(n, base, np.uint64)
    factors[:1] = 1
    return np.multiply.accumulate(factors)


def word_edges(text: bytes) -> tuple[Indices, Indices]:
    """Begin and end of all words of a text, in bytes: (W,) each."""
    starts, ends = [], []
    for offset, piece in text_pieces(text):
        words = find_words(piece)
        starts.append(words.starts + offset)
        ends.append(words.ends + offset)
    return np.concatenate(starts), np.concatenate(ends)
