"""Batches for pretraining: rows of T + 1 tokens cut from the stream with stride T.

    B rows a batch, T tokens of context

Neighbouring rows share one token, so that every token but the first of the stream is a
target exactly once an epoch; the last row is padded and the padding not counted. Which
rows a step takes depends on (seed, step) alone: nothing has to be saved to resume.
"""

from typing import NotRequired, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.data.permutation import rows_at
from scratchlm.data.store import TokenStore


class Batch(TypedDict):
    """What one step learns from."""

    tokens: NDArray[np.int64]
    """(B, T): what the model reads."""
    targets: NDArray[np.int64]
    """(B, T): the token that follows each."""
    loss_mask: NDArray[np.bool_]
    """(B, T): True where the target counts."""
    doc_ids: NotRequired[NDArray[np.int64]]
    """(B, T): 1, 2, … for the documents of a row, 0 for padding; a token attends to
    those of its own document."""
    positions: NotRequired[NDArray[np.int64]]
    """(B, T): place in the document or in the piece of it, from 0."""


class RowSource(Protocol):
    """Rows in an endless order, any of which can be asked for at any time."""

    @property
    def context_length(self) -> int:
        """T."""

    @property
    def n_rows(self) -> int:
        """Rows of one epoch."""

    @property
    def seed(self) -> int:
        """Decides the order."""

    @property
    def fingerprint(self) -> str:
        """Changes with anything but the seed that decides a row."""

    def rows(self, places: NDArray[np.int64]) -> Batch:
        """The rows at some places of the order, (n, T): a pure function."""


class TokenBatches:
    """An endless sequence of batches over a store, epoch after epoch.

    Args:
        store: the tokens.
        context_length: T.
        batch_size: B.
        seed: decides the order; None takes the data's own seed.
        separate: batches carry `doc_ids` and `positions`, and a document's first token
            is no target.

    Attributes:
        n_rows: rows of one epoch.

    Raises:
        UserError: the text is shorter than one row.
    """

    def __init__(
        self,
        store: TokenStore,
        context_length: int,
        batch_size: int,
        seed: int | None = None,
        *,
        separate: bool = False,
    ) -> None:
        if len(store) < context_length + 1:
            raise UserError(
                f"{store.directory} has {len(store)} tokens, fewer than one row of "
                f"{context_length + 1}: give more text, or a smaller "
                "model.context_length"
            )
        self.store = store
        self.context_length = context_length
        self.batch_size = batch_size
        self.seed = store.seed if seed is None else seed
        self.separate = separate
        self.n_rows = -(-(len(store) - 1) // context_length)

    @property
    def fingerprint(self) -> str:
        """Hash of the tokens and of how rows are cut."""
        cut = ["stream", self.context_length, self.separate]
        return sha256_json([self.store.fingerprint, *cut])

    def batch(self, step: int) -> Batch:
        """The batch of a step (0, 1, …): a pure function of (seed, step)."""
        return self.rows(places_of_step(step, self.batch_size))

    def rows(self, places: NDArray[np.int64]) -> Batch:
        """The rows at some places of the order, (n, T)."""
        rows = rows_at(places, self.n_rows, self.seed).tolist()
        T = self.context_length
        stream = np.zeros((len(rows), T + 1), np.int64)
        loss_mask = np.zeros((len(rows), T), np.bool_)
        for index, row in enumerate(rows):
            tokens = self.store[row * T : row * T + T + 1]
            stream[index, : len(tokens)] = tokens
            loss_mask[index, : len(tokens) - 1] = True
        batch = Batch(
            tokens=stream[:, :-1].copy(),
            targets=stream[:, 1:].copy(),
            loss_mask=loss_mask,
        )
        return self._separated(batch, rows) if self.separate else batch

    def _separated(self, batch: Batch, rows: list[int]) -> Batch:
        offsets, T = self.store.document_offsets, self.context_length
        shape = batch["tokens"].shape
        doc_ids, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for index, row in enumerate(rows):
            begin, n_tokens = row * T, int(batch["loss_mask"][index].sum())
            first = int(np.searchsorted(offsets, begin, "right")) - 1
            last = int(np.searchsorted(offsets, begin + n_tokens, "right"))
            starts = np.asarray(offsets[first:last])
            places = np.arange(begin, begin + n_tokens + 1)
            number = np.searchsorted(starts, places, "right")
            doc_ids[index, :n_tokens] = number[:-1]
            inside = places - np.maximum(starts[number - 1], begin)
            positions[index, :n_tokens] = inside[:-1]
            batch["loss_mask"][index, :n_tokens] = number[1:] == number[:-1]
        return Batch(
            tokens=batch["tokens"],
            targets=batch["targets"],
            loss_mask=batch["loss_mask"],
            doc_ids=doc_ids,
            positions=positions,
        )


def places_of_step(step: int, batch_size: int) -> NDArray[np.int64]:
    """Which places of the endless order a step takes, (B,)."""
    return np.arange(step * batch_size, (step + 1) * batch_size, dtype=np.int64)


def rows_of_step(
    step: int, batch_size: int, n_rows: int, seed: int
) -> NDArray[np.int64]:
    """Which rows a step takes, (B,): epochs follow each other without a gap.

    Every epoch takes each row once, in an order of its own.
    """
    return rows_at(places_of_step(step, batch_size), n_rows, seed)
