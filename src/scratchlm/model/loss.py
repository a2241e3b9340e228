"""Cross-entropy over the vocabulary without ever holding all logits at once.

Axes: N tokens in a row, C channels, V vocabulary. The rows are walked in chunks:
logits → loss and dlogits → dhidden and dweight, all in the forward pass; only the two
gradients are kept. Memory: one chunk of logits, however large the batch.

With l = hidden weightᵀ, a soft-cap c replaces l by z = c tanh(l / c) (Gemma 2), so
that dl = dz (1 - (z / c)²). The z-loss (PaLM) adds ζ log²Σe^z to a row's loss and
2 ζ log Σe^z · softmax(z) to its dz. Both live in here: outside they would need the
logits whole.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from scratchlm.model.counts import count_loss_rows

KEPT_BYTES = 2**28
"""Logits that `token_log_probs` keeps for its backward pass; above, it recomputes."""


def chunked_cross_entropy(
    hidden: Float[Tensor, "N C"],
    weight: Float[Tensor, "V C"],
    targets: Int[Tensor, "N"],
    row_weights: Float[Tensor, "N"],
    *,
    softcap: float | None = None,
    z_loss: float = 0.0,
) -> Float[Tensor, ""]:
    """Sum over rows of `row_weights` · (-log softmax(z)[target] + z_loss · log²Σe^z).

    For the mean over counted tokens pass mask / count. Products are taken in the
    precision of `hidden`; loss and dlogits in float32. A `weight` of float32 beside a
    narrower `hidden` is cast inside, and its gradient is summed and left in float32.
    """
    if torch.is_grad_enabled():
        result: Tensor = _ChunkedCrossEntropy.apply(  # type: ignore[no-untyped-call]
            hidden, weight, targets, row_weights, softcap, z_loss
        )
        return result
    total = hidden.new_zeros((), dtype=torch.float32)
    low = weight.to(hidden.dtype)
    for rows in _chunks(hidden, weight):
        logits = _capped_((hidden[rows] @ low.t()).float(), softcap)
        losses = F.cross_entropy(logits, targets[rows], reduction="none")
        if z_loss:
            losses = losses + z_loss * torch.logsumexp(logits, -1).square()
        total += losses @ row_weights[rows]
    return total


def token_log_probs(
    hidden: Float[Tensor, "N C"],
    weight: Float[Tensor, "V C"],
    targets: Int[Tensor, "N"],
    *,
    softcap: float | None = None,
) -> Float[Tensor, "N"]:
    """Log-probability of each target, float32, differentiable, in chunks of rows.

    Where all logits would take more than 256 MiB, the backward pass computes each
    chunk's again: one product more, and memory for a single chunk.
    """
    low = weight.to(hidden.dtype)
    parts = []
    recompute = torch.is_grad_enabled() and 4 * len(targets) * len(low) > KEPT_BYTES
    for rows in _chunks(hidden, weight):
        inputs = hidden[rows], low, targets[rows], softcap
        parts.append(
            checkpoint(
                _log_probs, *inputs, use_reentrant=False, preserve_rng_state=False
            )
            if recompute
            else _log_probs(*inputs)
        )
    return torch.cat(parts)


def softcapped(
    logits: Float[Tensor, "*rows V"], cap: float | None
) -> Float[Tensor, "*rows V"]:
    """Squash logits into ±cap by cap · tanh(logits / cap), in float32; None: as is."""
    if cap is None:
        return logits
    return (torch.tanh(logits.float() / cap) * cap).to(logits.dtype)


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Both gradients in the forward pass, in units of the largest row weight if fp16.

    In float16 a gradient of 1/N per token would vanish before the loss scale, which
    arrives in `backward`, could lift it.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        targets: Tensor,
        row_weights: Tensor,
        cap: float | None,
        z_loss: float,
    ) -> Tensor:
        ctx.unit, ctx.weight_dtype = _unit(hidden, row_weights), weight.dtype
        low = weight.to(hidden.dtype)
        grad_hidden = torch.empty_like(hidden)
        grad_weight = torch.zeros_like(weight, dtype=torch.float32)
        total = hidden.new_zeros((), dtype=torch.float32)
        for rows in _chunks(hidden, weight):
            h, wanted, scale = hidden[rows], targets[rows, None], row_weights[rows]
            logits = _capped_((h @ low.t()).float(), cap)  # (n, V)
            loss, d = _loss_and_gradient(logits, wanted, scale, cap, z_loss)
            total += loss
            d = (d if ctx.unit is None else d.div_(ctx.unit)).to(hidden.dtype)
            torch.mm(d, low, out=grad_hidden[rows])
            if ctx.needs_input_grad[1]:
                _add_product(grad_weight, d, h)
        ctx.save_for_backward(grad_hidden, grad_weight)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        grad_hidden, grad_weight = ctx.saved_tensors
        if ctx.unit is None:
            grad_hidden = grad_hidden * grad.to(grad_hidden.dtype)
        else:
            grad = grad * ctx.unit
            grad_hidden = (grad_hidden.float() * grad).to(grad_hidden.dtype)
        if not ctx.needs_input_grad[1]:
            return grad_hidden, None, None, None, None, None
        grad_weight = (grad_weight * grad).to(ctx.weight_dtype)
        return grad_hidden, grad_weight, None, None, None, None


def _loss_and_gradient(
    logits: Tensor, wanted: Tensor, scale: Tensor, cap: float | None, z_loss: float
) -> tuple[Tensor, Tensor]:
    """Loss of a chunk and what its uncapped logits get; overwrites `logits` (n, V)."""
    log_p = torch.log_softmax(logits, -1)
    wanted_log_p = log_p.gather(1, wanted)[:, 0]
    loss, pull = -(wanted_log_p @ scale), scale
    if z_loss:
        log_sum = logits.gather(1, wanted)[:, 0] - wanted_log_p
        loss = loss + z_loss * (log_sum.square() @ scale)
        pull = scale * (1 + 2 * z_loss * log_sum)
    d = log_p.exp_().mul_(pull[:, None])  # pull · p - scale · onehot
    d.scatter_add_(1, wanted, -scale[:, None])
    if cap is not None:
        d.mul_(logits.div_(cap).square_().neg_().add_(1))
    return loss, d


def _log_probs(h: Tensor, weight: Tensor, wanted: Tensor, cap: float | None) -> Tensor:
    logits = softcapped((h @ weight.t()).float(), cap)
    return -F.cross_entropy(logits, wanted, reduction="none")


def _capped_(logits: Tensor, cap: float | None) -> Tensor:
    return logits if cap is None else logits.div_(cap).tanh_().mul_(cap)


def _chunks(hidden: Tensor, weight: Tensor) -> list[slice]:
    size = count_loss_rows(len(weight), hidden.device.type)
    return [slice(at, at + size) for at in range(0, len(hidden), size)]


def _unit(hidden: Tensor, row_weights: Tensor) -> Tensor | None:
    if hidden.dtype != torch.float16:
        return None
    largest = row_weights.abs().max()
    return torch.where(largest > 0, largest, torch.ones_like(largest))


def _add_product(total: Tensor, d: Tensor, h: Tensor) -> None:
    if d.dtype == total.dtype:
        total.addmm_(d.t(), h)
    else:
        total += d.t() @ h
