"""Batches of whole examples (conversations), packed into rows and padded.

    B rows a batch, T tokens of context; a row holds T + 1 tokens

Examples stand one after the other in a row and positions simply continue; each begins
with `<|endoftext|>`, whose loss is not counted, so nothing is learned across a border.
The packing is made once; each epoch takes the rows in another order and turns each row
so that another example leads it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.data.batches import Batch, places_of_step
from scratchlm.data.packing import pack_best_fit
from scratchlm.data.permutation import permute, rows_at

Example = tuple[Sequence[int], Sequence[bool]]
"""Ids of one example, and True for each that is to be learned."""


class ExampleBatches:
    """An endless sequence of batches over examples, epoch after epoch.

    Args:
        examples: ids and loss mask of each.
        context_length: T; what does not fit into T + 1 tokens is cut off at its end.
        batch_size: B.
        seed: decides the order.
        pad_id: fills the rows.
        separate: batches carry `doc_ids` and `positions`, by example.

    Attributes:
        n_rows: rows of one epoch.
        n_examples: examples in them.
        n_truncated: examples that were cut.
        n_dropped: examples left out, since nothing in them is to be learned.
        n_loss_tokens: counted targets of one epoch.

    Raises:
        UserError: no example is left.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        context_length: int,
        batch_size: int,
        seed: int,
        pad_id: int,
        *,
        separate: bool = False,
    ) -> None:
        self.separate = separate
        self.context_length = context_length
        self.batch_size = batch_size
        self.seed = seed
        self.pad_id = pad_id
        kept = self._keep(examples)
        self._examples = [kept[i] for i in _shuffled(len(kept), seed)]
        self.n_examples = len(kept)
        self.n_loss_tokens = sum(int(mask[1:].sum()) for _, mask in kept)
        lengths = [len(ids) for ids, _ in self._examples]
        self._rows = pack_best_fit(lengths, context_length + 1)
        self.n_rows = len(self._rows)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the examples and of how rows are packed."""
        digest = hashlib.sha256()
        for ids, mask in self._examples:
            digest.update(len(ids).to_bytes(8, "little"))
            digest.update(ids.tobytes() + mask.astype(np.bool_).tobytes())
        rows = ["examples", self.context_length, self.pad_id, self.separate]
        return sha256_json([digest.hexdigest(), *rows])

    @property
    def n_batches_per_epoch(self) -> int:
        """Steps after which every example has been seen."""
        return -(-self.n_rows // self.batch_size)

    @property
    def padding_frac(self) -> float:
        """Share of the rows' tokens that is padding."""
        used = sum(len(ids) for ids, _ in self._examples)
        return 1 - used / (self.n_rows * (self.context_length + 1))

    def batch(self, step: int) -> Batch:
        """The batch of a step (0, 1, …): a pure function of (seed, step)."""
        return self.rows(places_of_step(step, self.batch_size))

    def rows(self, places: NDArray[np.int64]) -> Batch:
        """The rows at some places of the order, (n, T)."""
        shape = (len(places), self.context_length + 1)
        rows = rows_at(places, self.n_rows, self.seed).tolist()
        stream = np.full(shape, self.pad_id, np.int64)
        counted = np.zeros(shape, np.bool_)
        numbers, positions = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for index, (row, place) in enumerate(zip(rows, places.tolist(), strict=True)):
            members = self._turned(row, place // self.n_rows + row)
            for number, (at, ids, mask) in enumerate(self._placed(members), 1):
                here = slice(at, at + len(ids))
                stream[index, here] = ids
                counted[index, here] = mask
                counted[index, at] = False  # nothing before belongs to this example
                numbers[index, here] = number
                positions[index, here] = np.arange(len(ids))
        batch = Batch(
            tokens=stream[:, :-1].copy(),
            targets=stream[:, 1:].copy(),
            loss_mask=counted[:, 1:].copy(),
        )
        if self.separate:
            batch["doc_ids"] = numbers[:, :-1].copy()
            batch["positions"] = positions[:, :-1].copy()
        return batch

    def _turned(self, row: int, turn: int) -> list[int]:
        """The examples of a row, another one first with every turn."""
        members = self._rows[row]
        turn %= len(members)
        return members[turn:] + members[:turn]

    def _placed(
        self, members: list[int]
    ) -> Iterator[tuple[int, NDArray[np.int32], NDArray[np.bool_]]]:
        """Where each example begins, its ids and its mask."""
        at = 0
        for member in members:
            ids, mask = self._examples[member]
            yield at, ids, mask
            at += len(ids)

    def _keep(
        self, examples: Sequence[Example]
    ) -> list[tuple[NDArray[np.int32], NDArray[np.bool_]]]:
        limit = self.context_length + 1
        self.n_truncated = sum(len(ids) > limit for ids, _ in examples)
        kept = []
        for ids, mask in examples:
            assert len(ids) == len(mask)
            if any(mask[1:limit]):
                kept.append((np.array(ids[:limit], np.int32), np.array(mask[:limit])))
        self.n_dropped = len(examples) - len(kept)
        if not kept:
            raise UserError(
                f"none of {len(examples)} examples has anything to learn within "
                f"{self.context_length} tokens: give other ones or a longer context"
            )
        return kept


def _shuffled(size: int, seed: int) -> list[int]:
    # Epoch -1 is never trained: its permutation is free for this.
    order = permute(np.arange(size, dtype=np.int64), size, seed, -1)
    return [int(index) for index in order]
