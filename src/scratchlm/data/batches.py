"""Batches for pretraining: rows of T + 1 tokens cut from the stream with stride T.

    B rows a batch, T tokens of context

Neighbouring rows share one token, so that every token but the first of the stream is a
target exactly once an epoch; the last row is padded and the padding not counted. Which
rows a step takes depends on (seed, step) alone: nothing has to be saved to resume.
"""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.errors import UserError
from scratchlm.data.permutation import permute
from scratchlm.data.store import TokenStore


class Batch(TypedDict):
    """What one step learns from."""

    tokens: NDArray[np.int64]
    """(B, T): what the model reads."""
    targets: NDArray[np.int64]
    """(B, T): the token that follows each."""
    loss_mask: NDArray[np.bool_]
    """(B, T): True where the target counts."""


class TokenBatches:
    """An endless sequence of batches over a store, epoch after epoch.

    Args:
        store: the tokens.
        context_length: T.
        batch_size: B.
        seed: decides the order; None takes the data's own seed.

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
        self.n_rows = -(-(len(store) - 1) // context_length)

    def batch(self, step: int) -> Batch:
        """The batch of a step (0, 1, …): a pure function of (seed, step)."""
        rows = rows_of_step(step, self.batch_size, self.n_rows, self.seed)
        T = self.context_length
        stream = np.zeros((len(rows), T + 1), np.int64)
        loss_mask = np.zeros((len(rows), T), np.bool_)
        for index, row in enumerate(rows.tolist()):
            tokens = self.store[row * T : row * T + T + 1]
            stream[index, : len(tokens)] = tokens
            loss_mask[index, : len(tokens) - 1] = True
        return Batch(
            tokens=stream[:, :-1].copy(),
            targets=stream[:, 1:].copy(),
            loss_mask=loss_mask,
        )


def rows_of_step(
    step: int, batch_size: int, n_rows: int, seed: int
) -> NDArray[np.int64]:
    """Which rows a step takes, (B,): epochs follow each other without a gap.

    Every epoch takes each row once, in an order of its own.
    """
    places = np.arange(step * batch_size, (step + 1) * batch_size, dtype=np.int64)
    rows = np.empty_like(places)
    for epoch in range(int(places[0]) // n_rows, int(places[-1]) // n_rows + 1):
        inside = places // n_rows == epoch
        rows[inside] = permute(places[inside] % n_rows, n_rows, seed, epoch)
    return rows
