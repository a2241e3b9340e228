"""AdamW (Loshchilov and Hutter 2019), by torch's fused kernel where there is one.

m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²
w ← w (1 - lr·decay) - lr · m̂ / (√v̂ + ε)
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from scratchlm.train.config import TrainConfig
from scratchlm.train.groups import Group

FUSED_DEVICES = ("cpu", "cuda", "mps")


def adamw_step(group: Group, config: TrainConfig, lr: float, step: int) -> None:
    """Move a group's parameters that have a gradient, at step `step` (from 0)."""
    members = group.with_gradient()
    if not members:
        return
    names, weights, gradients = (list(column) for column in zip(*members, strict=True))
    means = [group.state[f"{name}.mean"] for name in names]
    squares = [group.state[f"{name}.square"] for name in names]
    decay = group.weight_decay
    if config.cautious_decay and decay:
        _decay_cautiously(weights, gradients, means, config.beta1, lr * decay)
        decay = 0.0
    fused = weights[0].device.type in FUSED_DEVICES
    # the kernel counts for itself: each parameter has a count of its own
    counts = torch.full((len(names),), float(step), device=weights[0].device)
    adamw(
        weights,
        gradients,
        means,
        squares,
        [],
        list(counts.unbind()),
        foreach=not fused,
        fused=fused,
        amsgrad=False,
        beta1=config.beta1,
        beta2=config.beta2,
        lr=lr,
        weight_decay=decay,
        eps=config.epsilon,
        maximize=False,
    )


def decay_weights(
    weight: Tensor, update: Tensor, amount: float, cautious: bool = False
) -> None:
    """Shrink a weight in place by a share `amount`, before `weight - lr·update`.

    Cautious decay (Chen et al. 2025) shrinks only what the update moves towards zero
    too, so that it never works against the gradient.
    """
    if not cautious:
        weight.mul_(1 - amount)
    elif amount:
        agreed = (weight * update) > 0
        weight.addcmul_(weight, agreed.to(weight.dtype), value=-amount)


def _decay_cautiously(
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    means: Sequence[Tensor],
    beta1: float,
    amount: float,
) -> None:
    """AdamW's update has the sign of the mean that this step will make."""
    for weight, gradient, mean in zip(weights, gradients, means, strict=True):
        decay_weights(weight, mean.lerp(gradient, 1 - beta1), amount, True)
