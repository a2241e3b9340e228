"""Which pieces of documents lie in which row: made once, kept as files, random access.

    T tokens of context; a document of n tokens has n - 1 pairs (token, next token)

A document of more than T pairs is cut into pieces of T and a rest; the rests of some
thousand neighbouring documents are packed into rows by best fit, the rest of a row is
padding. So every pair of every document stands in exactly one row, nothing is learned
across a border, and the first token of a document, which nothing of it foretells, is
the only one that is no target.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.base.progress import SILENT, Progress
from scratchlm.data.packing import pack_best_fit
from scratchlm.data.shard import Kind, ShardHeader, map_items, read_header, write_parts
from scratchlm.data.store import TokenStore

PIECES_NAME = "pieces.bin"
ROWS_NAME = "rows.bin"
WINDOW_DOCUMENTS = 1 << 13
_VERSION = 1


class Window(NamedTuple):
    """The rows of some documents."""

    pieces: NDArray[np.int64]
    """(n_pieces, 3): document, where the piece starts in it, its pairs."""
    sizes: NDArray[np.int64]
    """(n_rows,): pieces of each row."""


class Packing:
    """The rows of one store for one T; files are mapped when they are first used.

    Attributes:
        n_rows: rows of one epoch.
        n_pieces: pieces of documents in them.
        n_pairs: counted targets of one epoch.
        key: hash of the tokens, of T, and of how rows are packed.
    """

    def __init__(self, directory: Path, store: TokenStore, context_length: int) -> None:
        self.directory = directory
        self.context_length = context_length
        self.key = _key(store, context_length)
        self._pieces_header = self._header(PIECES_NAME, "pieces")
        self._rows_header = self._header(ROWS_NAME, "rows")
        self.n_pieces = self._pieces_header.n_items // 3
        self.n_rows = self._rows_header.n_items - 1
        self.n_pairs = len(store) - store.n_documents
        self._maps: tuple[NDArray[Any], NDArray[Any]] | None = None

    @property
    def padding_frac(self) -> float:
        """Share of the rows' places that is padding."""
        return 1 - self.n_pairs / max(self.n_rows * self.context_length, 1)

    def pieces_of(self, row: int) -> NDArray[np.int64]:
        """(n, 3): document, start in it and number of pairs of each piece of a row."""
        if self._maps is None:
            self._maps = (
                map_items(self.directory / PIECES_NAME, self._pieces_header),
                map_items(self.directory / ROWS_NAME, self._rows_header),
            )
        pieces, rows = self._maps
        begin, end = rows[row : row + 2].tolist()
        found: NDArray[np.int64] = pieces[3 * begin : 3 * end].reshape(-1, 3)
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maps": None}

    def describe(self) -> str:
        """One line: rows, and the waste."""
        return (
            f"{self.n_rows:,} rows of {self.context_length:,} tokens hold "
            f"{self.n_pieces:,} pieces of documents, {self.padding_frac:.2%} padding; "
            "no token is thrown away"
        )

    def _header(self, name: str, kind: Kind) -> ShardHeader:
        header = read_header(self.directory / name, kind)
        if header.tokenizer_sha256 != self.key:
            raise UserError(
                f"{self.directory / name} packs other tokens or other rows: delete it "
                "and pack again"
            )
        return header


def pack_documents(
    store: TokenStore,
    context_length: int,
    directory: Path,
    progress: Progress = SILENT,
) -> Packing:
    """Pack a store's documents into rows, or take what an earlier call left.

    Args:
        store: the tokens.
        context_length: T.
        directory: of `pieces.bin` and `rows.bin`, for this store and T alone.
        progress: told how far it is, and at the end how much is padding.

    Raises:
        UserError: the disk is full; no document has two tokens.
    """
    try:
        return Packing(directory, store, context_length)
    except UserError:
        pass  # not there, of other tokens, or cut off: made anew
    if len(store) <= store.n_documents:
        raise UserError(
            f"{store.directory} holds no text to pack, only empty documents: give text"
        )
    sizes: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]

    def pieces() -> Iterator[NDArray[np.int64]]:
        for window in plan_windows(store.document_offsets, context_length):
            sizes.append(window.sizes)
            yield window.pieces.ravel()
            done = int(window.pieces[:, 0].max(initial=0))
            progress.update(done, store.n_documents, "packing")

    key = _key(store, context_length)
    (directory / ROWS_NAME).unlink(missing_ok=True)
    n_documents = store.n_documents
    nothing = np.zeros(0, np.int64)
    parts = chain([nothing], pieces())
    write_parts(directory / PIECES_NAME, "pieces", parts, n_documents, key)
    rows = [np.cumsum(np.concatenate(sizes))]
    write_parts(directory / ROWS_NAME, "rows", rows, n_documents, key)
    packing = Packing(directory, store, context_length)
    progress.note(packing.describe())
    return packing


def plan_windows(
    offsets: NDArray[np.int64],
    context_length: int,
    window_documents: int = WINDOW_DOCUMENTS,
) -> Iterator[Window]:
    """Plan the rows of documents, some thousand documents at a time.

    Args:
        offsets: (n_documents + 1,), where each begins in the stream.
        context_length: T.
        window_documents: how many are packed together.
    """
    for first in range(0, len(offsets) - 1, window_documents):
        borders = np.asarray(offsets[first : first + window_documents + 1])
        yield _plan_window(first, np.diff(borders) - 1, context_length)


def _plan_window(first: int, n_pairs: NDArray[np.int64], T: int) -> Window:
    n_full, rest = n_pairs // T, n_pairs % T
    documents = np.repeat(np.arange(len(n_pairs)), n_full)
    before = np.repeat(np.cumsum(n_full) - n_full, n_full)
    starts = (np.arange(len(documents)) - before) * T
    full = np.stack([documents, starts, np.full_like(starts, T)], axis=1)
    short = np.flatnonzero(rest)
    bins = pack_best_fit(rest[short].tolist(), T)
    order = short[np.fromiter(chain.from_iterable(bins), np.int64)]
    packed = np.stack([order, n_full[order] * T, rest[order]], axis=1)
    pieces = np.concatenate([full, packed]).astype(np.int64)
    pieces[:, 0] += first
    sizes = [np.ones(len(full), np.int64), np.array([len(b) for b in bins], np.int64)]
    return Window(pieces, np.concatenate(sizes))


def _key(store: TokenStore, context_length: int) -> str:
    way = ["best-fit", _VERSION, context_length, WINDOW_DOCUMENTS]
    return sha256_json([store.fingerprint, *way])
