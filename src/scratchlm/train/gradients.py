"""Gradients of one optimizer step: gathered over micro-batches, measured, clipped.

A window is the whole batch of a step; its micro-batches' losses sum to its loss, so
that their gradients add up to its gradient whatever the parts.
"""

import math

import torch
from torch import Tensor

from scratchlm.model.transformer import Transformer
from scratchlm.train.objective import Batch, Objective
from scratchlm.train.precision import MasterWeights

CLIP_EPSILON = 1e-6
"""Added to the norm that clipping divides by, as torch's does."""


def gather_gradients(
    model: Transformer,
    objective: Objective,
    window: Batch,
    micro_batch_size: int,
    weights: MasterWeights,
    scale: float = 1.0,
) -> tuple[float, dict[str, float]]:
    """Leave the window's gradient in the masters' `.grad`.

    Args:
        model: in training mode.
        objective: what is lowered.
        window: all rows of the step.
        micro_batch_size: rows of one forward and backward pass.
        weights: where the gradients go, float32.
        scale: of the loss during the backward pass (float16); taken out again.

    Returns:
        The window's loss and its further metrics.
    """
    n_rows = len(next(iter(window.values())))
    loss, values = 0.0, dict[str, float]()
    for at in range(0, n_rows, micro_batch_size):
        part = {k: tensor[at : at + micro_batch_size] for k, tensor in window.items()}
        part_loss, part_values = objective(model, part, window)
        torch.autograd.backward(part_loss * scale if scale != 1.0 else part_loss)
        weights.collect_gradients()
        loss += float(part_loss.detach())
        for name, value in part_values.items():
            values[name] = values.get(name, 0.0) + float(value.detach())
    if scale != 1.0:
        torch._foreach_mul_(weights.gradients(), 1 / scale)
    return loss, values


def global_norm(gradients: list[Tensor]) -> float:
    """Euclidean norm of all gradients together; not finite if any of them is not."""
    if not gradients:
        return 0.0
    norms = torch._foreach_norm(gradients)
    return float(torch.linalg.vector_norm(torch.stack(norms)))


def clip(gradients: list[Tensor], norm: float, max_norm: float | None) -> None:
    """Scale gradients in place so that their global norm is `max_norm` at most."""
    assert math.isfinite(norm), "a step that is not finite never gets here"
    if max_norm is None or not gradients:
        return
    factor = max_norm / (norm + CLIP_EPSILON)
    if factor < 1.0:
        torch._foreach_mul_(gradients, factor)
