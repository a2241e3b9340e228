"""Masked attention by explicit batched products: what `causal_products` does for the
plain causal rule, for document masks and windows.

Axes: B batch, T query tokens, S keys, H query heads, K key and value heads,
G = H / K queries a group, D head channels.
"""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from scratchlm.model.mask import window_mask

BLOCK_TOKENS, MOST_BLOCKS = 64, 8
"""Queries are cut as `causal_products` cuts them; a block meets the keys in reach."""


class _Block(NamedTuple):
    """Queries start … stop, which see no key before `first` and none from stop on."""

    start: int
    stop: int
    first: int


def masked_attention(
    q: Float[Tensor, "B H T D"],
    k: Float[Tensor, "B K T D"],
    v: Float[Tensor, "B K T D"],
    mask: Bool[Tensor, "B 1 T T"] | None = None,
    window: int | None = None,
) -> Float[Tensor, "B H T D"]:
    """Causal attention under a mask that is causal itself, or in a window, or both.

    Where a mask is given it must hold the window, too: the window then only says
    which products can be left out. The probabilities are kept for the backward pass.
    """
    if mask is None:
        n_tokens = q.shape[2]
        mask = window_mask(n_tokens, n_tokens, window or n_tokens, q.device)
    result: Tensor = _MaskedAttention.apply(q, k, v, mask, window)  # type: ignore[no-untyped-call]
    return result


class _MaskedAttention(torch.autograd.Function):
    """Queries of one group share their keys: (B·K, G·T, D) against (B·K, S, D)."""

    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, window: int | None
    ) -> Tensor:
        n_batch, n_heads, n_tokens, d_head = q.shape
        groups = n_heads // k.shape[1]
        q = q.reshape(-1, groups, n_tokens, d_head)  # (B·K, G, T, D)
        k, v = k.flatten(0, 1).contiguous(), v.flatten(0, 1).contiguous()
        out = torch.empty_like(q, memory_format=torch.contiguous_format)
        bias = _bias(mask, q.dtype)
        kept = []
        for start, stop, first in _blocks(n_tokens, window):
            part = bias[:, :, start:stop, first:stop]
            p = _probabilities(q[:, :, start:stop], k[:, first:stop], part)
            block = torch.bmm(p, v[:, first:stop])  # (B·K, G·t, D)
            out[:, :, start:stop] = block.unflatten(1, (groups, -1))
            kept.append(p)
        ctx.window = window
        ctx.save_for_backward(q, k, v, *kept)
        return out.view(n_batch, n_heads, n_tokens, d_head)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        q, k, v, *kept = ctx.saved_tensors
        n_batch, n_kv = grad.shape[0], k.shape[0] // grad.shape[0]
        grad = grad.reshape(q.shape)
        grad_q = torch.empty_like(q, memory_format=torch.contiguous_format)
        grad_k, grad_v = torch.zeros_like(k), torch.zeros_like(v)
        scale = 1 / math.sqrt(q.shape[-1])
        blocks = _blocks(q.shape[2], ctx.window)
        for (start, stop, first), p in zip(blocks, kept, strict=True):
            g = grad[:, :, start:stop].flatten(1, 2)  # (B·K, G·t, D)
            grad_v[:, first:stop] += torch.bmm(p.transpose(1, 2), g)
            dp = torch.bmm(g, v[:, first:stop].transpose(1, 2))
            ds = torch._softmax_backward_data(dp, p, -1, p.dtype).mul_(scale)
            dq = torch.bmm(ds, k[:, first:stop])
            grad_q[:, :, start:stop] = dq.unflatten(1, (q.shape[1], -1))
            queries = q[:, :, start:stop].flatten(1, 2)
            grad_k[:, first:stop] += torch.bmm(ds.transpose(1, 2), queries)
        return (
            grad_q.view(n_batch, -1, *q.shape[2:]),
            grad_k.view(n_batch, n_kv, *k.shape[1:]),
            grad_v.view(n_batch, n_kv, *v.shape[1:]),
            None,
            None,
        )


def _blocks(n_tokens: int, window: int | None) -> list[_Block]:
    size = max(BLOCK_TOKENS, -(-n_tokens // MOST_BLOCKS))
    starts = range(0, n_tokens, size)
    return [
        _Block(start, min(start + size, n_tokens), _first_key(start, window))
        for start in starts
    ]


def _first_key(start: int, window: int | None) -> int:
    return 0 if window is None else max(start - window + 1, 0)


def _bias(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """0 where a token may look, else -∞: (B, 1, T, S)."""
    hidden = torch.zeros(mask.shape, dtype=dtype, device=mask.device)
    return hidden.masked_fill_(~mask, -torch.inf)


def _probabilities(q: Tensor, k: Tensor, bias: Tensor) -> Tensor:
    """Softmax over the visible keys, (B·K, G·t, S)."""
    scaled = q.flatten(1, 2) * (1 / math.sqrt(q.shape[-1]))
    scores = torch.bmm(scaled, k.transpose(1, 2))
    # (B, H, t, S): all heads of a row share its mask
    scores.view(len(bias), -1, q.shape[2], k.shape[1]).add_(bias)
    return torch.softmax(scores, -1, out=scores)
