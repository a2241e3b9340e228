"""Batches of preference pairs: a pure function of the step.

Each epoch is a permutation drawn from (seed, epoch), arranged so that pairs of like
length stand together; epochs follow one another without a gap, every pair once in
each.  Nothing is remembered between two calls, so a resumed run reads on where it
stood.

Axes: P pairs of a batch, 2 = (chosen, rejected), T tokens.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchlm.align.log_probs import stack_answers
from scratchlm.align.pairs import Pair

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
        context_length: int,
    ) -> None:
        """Take N pairs and the reference's summed log-probabilities (N, 2)."""
        assert len(pairs) > 0 and reference.shape == (len(pairs), 2)
        self.pairs = pairs
        self.reference = reference
        self.batch_size = batch_size
        self.seed = seed
        self.pad_id = pad_id
        self.context_length = context_length
        self._lengths = np.array(
            [max(len(p.chosen.ids), len(p.rejected.ids)) for p in pairs]
        )
        self._epoch_order = lru_cache(maxsize=2)(self._draw_order)

    def batch(self, step: int) -> dict[str, NDArray[Any]]:
        """Arrays of step `step` ≥ 0.

        `tokens`, `targets` (P, 2, T) int64, `loss_mask` (P, 2, T) bool, `reference`
        (P, 2) float32 in nats.
        """
        indices = self.indices(step)
        pairs = [self.pairs[i] for i in indices]
        rows = [answer for pair in pairs for answer in (pair.chosen, pair.rejected)]
        tokens, targets, mask = stack_answers(rows, self.pad_id, self.context_length)
        shape = (len(indices), 2, -1)
        return {
            "tokens": tokens.reshape(shape),
            "targets": targets.reshape(shape),
            "loss_mask": mask.reshape(shape),
            "reference": self.reference[indices],
        }

    def indices(self, step: int) -> list[int]:
        """Which pairs step `step` reads."""
        first = step * self.batch_size
        places = (divmod(first + i, len(self.pairs)) for i in range(self.batch_size))
        return [int(self._epoch_order(epoch)[place]) for epoch, place in places]

    def _draw_order(self, epoch: int) -> NDArray[np.int64]:
        rng = np.random.default_rng([self.seed, epoch])
        order = rng.permutation(len(self.pairs))
        window = self.batch_size * SORTED_BATCHES
        parts = []
        for start in range(0, len(order), window):
            part = order[start : start + window]
            part = part[np.argsort(self._lengths[part], kind="stable")]
            n_full = len(part) // self.batch_size
            full = part[: n_full * self.batch_size].reshape(n_full, self.batch_size)
            parts += [full[rng.permutation(n_full)].ravel(), part[full.size :]]
        return np.concatenate(parts)

