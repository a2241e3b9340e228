"""Batches of packed documents, with what is needed to keep them apart.

    B rows a batch, T tokens of context

Each row holds pieces of documents one after the other, then padding. `doc_ids` number
the pieces of a row from 1, positions begin at 0 with each, and no target crosses a
border.
"""

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.hashing import sha256_json
from scratchlm.data.batches import Batch, places_of_step
from scratchlm.data.packing_plan import Packing
from scratchlm.data.permutation import rows_at
from scratchlm.data.store import TokenStore


class PackedBatches:
    """An endless sequence of batches of packed documents, epoch after epoch.

    Args:
        store: the tokens.
        packing: its rows, from `pack_documents`.
        batch_size: B.
        seed: decides the order; None takes the data's own seed.
        pad_id: fills the rows.

    Attributes:
        context_length: T.
        n_rows: rows of one epoch.
    """

    def __init__(
        self,
        store: TokenStore,
        packing: Packing,
        batch_size: int,
        seed: int | None = None,
        *,
        pad_id: int = 0,
    ) -> None:
        self.store, self.packing = store, packing
        self.batch_size = batch_size
        self.seed = store.seed if seed is None else seed
        self.pad_id = pad_id
        self.context_length = packing.context_length
        self.n_rows = packing.n_rows

    @property
    def fingerprint(self) -> str:
        """Hash of the tokens and of the rows."""
        return sha256_json(["packed", self.packing.key, self.pad_id])

    def batch(self, step: int) -> Batch:
        """The batch of a step (0, 1, …): a pure function of (seed, step)."""
        return self.rows(places_of_step(step, self.batch_size))

    def rows(self, places: NDArray[np.int64]) -> Batch:
        """The rows at some places of the order, (n, T)."""
        shape = (len(places), self.context_length)
        batch = Batch(
            tokens=np.full(shape, self.pad_id, np.int64),
            targets=np.full(shape, self.pad_id, np.int64),
            loss_mask=np.zeros(shape, np.bool_),
            doc_ids=np.zeros(shape, np.int64),
            positions=np.zeros(shape, np.int64),
        )
        rows = rows_at(places, self.n_rows, self.seed).tolist()
        for index, row in enumerate(rows):
            self._fill(batch, index, self.packing.pieces_of(row))
        return batch

    def _fill(self, batch: Batch, index: int, pieces: NDArray[np.int64]) -> None:
        begins = self.store.document_offsets[pieces[:, 0]] + pieces[:, 1]
        lengths = pieces[:, 2].tolist()
        at = 0
        for begin, length in zip(begins.tolist(), lengths, strict=True):
            tokens = self.store[begin : begin + length + 1]
            batch["tokens"][index, at : at + length] = tokens[:-1]
            batch["targets"][index, at : at + length] = tokens[1:]
            at += length
        batch["loss_mask"][index, :at] = True
        numbers = np.repeat(np.arange(len(lengths)), lengths)
        starts = np.cumsum(lengths) - lengths
        batch["doc_ids"][index, :at] = numbers + 1
        batch["positions"][index, :at] = np.arange(at) - starts[numbers]
