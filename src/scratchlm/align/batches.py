"""Batches of preference pairs: a pure function of the step.

Each epoch is a permutation drawn from (seed, epoch), arranged so that pairs of like
length stand together; epochs follow one another without a gap, every pair once in
each.  Nothing is remembered between two calls, so a resumed run reads on where it
stood.

Axes: P pairs of a batch, 2 = (chosen, rejected), N pairs in all.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchlm.align.log_probs import stack_pairs
from scratchlm.align.pairs import Pair
from scratchlm.data.permutation import permute

SORTED_BATCHES = 16  # batches drawn at once and sorted by length among themselves


class PairBatches:
    """Deals pairs and the reference's log-probabilities of their answers."""

    def __init__(
        self,
        pairs: Sequence[Pair],
        reference: NDArray[np.float32],
        batch_size: int,
        seed: int,
        pad_id: int,
    ) -> None:
        """Take N pairs and the reference's summed log-probabilities (N, 2)."""
        assert len(pairs) > 0 and reference.shape == (len(pairs), 2)
        self.pairs = pairs
        self.reference = reference
        self.batch_size = batch_size
        self.seed = seed
        self.pad_id = pad_id
        self._lengths = np.array([pair.n_tokens for pair in pairs])
        self._epoch_order = lru_cache(maxsize=2)(self._draw_order)

    def batch(self, step: int) -> dict[str, NDArray[Any]]:
        """Arrays of step `step` ≥ 0: those of `stack_pairs`, and

        `reference` (P, 2) float32, in nats.
        """
        indices = self.indices(step)
        rows = stack_pairs([self.pairs[i] for i in indices], self.pad_id)
        return {**rows, "reference": self.reference[indices]}

    def indices(self, step: int) -> list[int]:
        """Which pairs step `step` reads."""
        first = step * self.batch_size
        places = (divmod(first + i, len(self.pairs)) for i in range(self.batch_size))
        return [int(self._epoch_order(epoch)[place]) for epoch, place in places]

    def _draw_order(self, epoch: int) -> NDArray[np.int64]:
        size, seed = self.batch_size, self.seed
        order = _permutation(len(self.pairs), seed, epoch)
        parts = []
        for start in range(0, len(order), size * SORTED_BATCHES):
            part = order[start : start + size * SORTED_BATCHES]
            part = part[np.argsort(self._lengths[part], kind="stable")]
            n_full = len(part) // size
            full = part[: n_full * size].reshape(n_full, size)
            if n_full:
                full = full[_permutation(n_full, seed + 1, epoch)]
            parts += [full.ravel(), part[full.size :]]
        return np.concatenate(parts)


def _permutation(size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return permute(np.arange(size, dtype=np.int64), size, seed, epoch)
