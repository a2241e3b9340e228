"""Objectives: what a step lowers. A technique is one function beside these.

Axes: B rows, T tokens.
"""

from typing import Protocol

from torch import Tensor

from scratchlm.model.transformer import Transformer

Batch = dict[str, Tensor]


class Objective(Protocol):
    """A loss over a batch.

    `window` is the whole batch of the optimizer step, of which `batch` is one part
    of its rows. The parts' losses sum to the window's loss, and so do the metrics:
    then 4 × 1 accumulated rows give the gradient of 1 × 4.
    """

    def __call__(
        self, model: Transformer, batch: Batch, window: Batch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss (scalar) and further metrics (scalars, by name)."""


class NextToken:
    """Mean cross-entropy over the counted tokens of the window.

    Batches: `tokens` and `targets` (B, T) int64, `loss_mask` (B, T) bool. With a mask
    over the assistant's words this is supervised fine-tuning.
    """

    def __call__(
        self, model: Transformer, batch: Batch, window: Batch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the part's share of the window's mean."""
        n_counted = int(window["loss_mask"].sum())
        loss = model.loss(
            batch["tokens"], batch["targets"], batch["loss_mask"], n_counted
        )
        return loss, {}
