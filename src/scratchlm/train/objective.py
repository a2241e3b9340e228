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

    Batches: `tokens` and `targets` (B, T) int64, `loss_mask` (B, T) bool; `doc_ids`
    and `positions` (B, T) int64 where documents shall not see one another. With a
    mask over the assistant's words this is supervised fine-tuning.

    Args:
        z_loss: weight of log²Σexp(logits).
        document_mask: use `doc_ids` and `positions`.
    """

    def __init__(self, z_loss: float = 0.0, *, document_mask: bool = False) -> None:
        self.z_loss = z_loss
        self.document_mask = document_mask

    def __call__(
        self, model: Transformer, batch: Batch, window: Batch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the part's share of the window's mean."""
        n_counted = int(window["loss_mask"].sum())
        apart = {k: batch[k] for k in ("doc_ids", "positions") if self.document_mask}
        loss = model.loss(
            batch["tokens"],
            batch["targets"],
            batch["loss_mask"],
            n_counted,
            z_loss=self.z_loss,
            **apart,
        )
        return loss, {}
