"""Cross-entropy over the vocabulary without ever holding all logits at once.

Axes: N tokens in a row, C channels, V vocabulary. The rows are walked in chunks:
logits → loss and dlogits → dhidden and dweight, all in the forward pass; only the two
gradients are kept. Memory: one chunk of logits, however large the batch.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

CHUNK_ROWS = 1024


def chunked_cross_entropy(
    hidden: Float[Tensor, "N C"],
    weight: Float[Tensor, "V C"],
    targets: Int[Tensor, "N"],
    row_weights: Float[Tensor, "N"],
) -> Float[Tensor, ""]:
    """Sum over rows of `row_weights` · (-log softmax(hidden weightᵀ)[target]).

    For the mean over counted tokens pass mask / count. Loss and gradients are computed
    in float32 from products in the inputs' precision.
    """
    if torch.is_grad_enabled():
        result: Tensor = _ChunkedCrossEntropy.apply(  # type: ignore[no-untyped-call]
            hidden, weight, targets, row_weights
        )
        return result
    total = hidden.new_zeros((), dtype=torch.float32)
    for rows in torch.arange(len(targets), device=hidden.device).split(CHUNK_ROWS):
        logits = (hidden[rows] @ weight.t()).float()
        losses = F.cross_entropy(logits, targets[rows], reduction="none")
        total += losses @ row_weights[rows]
    return total


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, row_weights: Tensor
    ) -> Tensor:
        grad_hidden = torch.empty_like(hidden)
        grad_weight = torch.zeros_like(weight, dtype=torch.float32)
        total = hidden.new_zeros((), dtype=torch.float32)
        for start in range(0, len(targets), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            h, wanted, scale = hidden[rows], targets[rows, None], row_weights[rows]
            log_p = torch.log_softmax((h @ weight.t()).float(), -1)  # (n, V)
            total -= log_p.gather(1, wanted)[:, 0] @ scale
            d = log_p.exp_().mul_(scale[:, None])  # scale · (p - onehot)
            d.scatter_add_(1, wanted, -scale[:, None])
            d = d.to(hidden.dtype)
            torch.mm(d, weight, out=grad_hidden[rows])
            _add_product(grad_weight, d, h)
        ctx.save_for_backward(grad_hidden, grad_weight)
        ctx.weight_dtype = weight.dtype
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        grad_hidden, grad_weight = ctx.saved_tensors
        grad_hidden = grad_hidden * grad.to(grad_hidden.dtype)
        return grad_hidden, (grad_weight * grad).to(ctx.weight_dtype), None, None


def _add_product(total: Tensor, d: Tensor, h: Tensor) -> None:
    if d.dtype == total.dtype:
        total.addmm_(d.t(), h)
    else:
        total += d.t() @ h


def token_log_probs(
    hidden: Float[Tensor, "N C"],
    weight: Float[Tensor, "V C"],
    targets: Int[Tensor, "N"],
) -> Float[Tensor, "N"]:
    """Log-probability of each target, float32, differentiable, in chunks of rows."""
    parts = []
    for h, wanted in zip(
        hidden.split(CHUNK_ROWS), targets.split(CHUNK_ROWS), strict=True
    ):
        logits = (h @ weight.t()).float()
        parts.append(-F.cross_entropy(logits, wanted, reduction="none"))
    return torch.cat(parts)
