"""Causal attention by explicit batched products, made for training on a CPU.

Axes: B batch, T query tokens, S keys, H query heads, K key and value heads,
G = H / K queries a group, D head channels.
"""

import math
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

BLOCK_TOKENS, MOST_BLOCKS = 64, 8
"""A block of queries never meets keys beyond its end: the more blocks, the nearer to
half of the products, until they get small."""


def causal_attention(
    q: Float[Tensor, "B H T D"],
    k: Float[Tensor, "B K T D"],
    v: Float[Tensor, "B K T D"],
) -> Float[Tensor, "B H T D"]:
    """Causal attention by explicit batched products, made for training on a CPU.

    softmax(q kᵀ / √D) v with the probabilities kept for the backward pass: memory
    B·H·T² elements a layer, and faster than the fused kernel's backward at T ≤ 512.
    """
    result: Tensor = _CausalAttention.apply(q, k, v)  # type: ignore[no-untyped-call]
    return result


def _blocks(n_tokens: int) -> list[tuple[int, int]]:
    size = max(BLOCK_TOKENS, -(-n_tokens // MOST_BLOCKS))
    return [(at, min(at + size, n_tokens)) for at in range(0, n_tokens, size)]


class _CausalAttention(torch.autograd.Function):
    """Queries of one group share their keys: (B·K, G·T, D) against (B·K, S, D)."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n_batch, n_heads, n_tokens, d_head = q.shape
        groups = n_heads // k.shape[1]
        q = q.reshape(-1, groups, n_tokens, d_head)  # (B·K, G, T, D)
        k, v = k.flatten(0, 1).contiguous(), v.flatten(0, 1).contiguous()
        out = torch.empty_like(q, memory_format=torch.contiguous_format)
        kept = []
        for start, stop in _blocks(n_tokens):
            p = _probabilities(q[:, :, start:stop], k[:, :stop])
            block = torch.bmm(p, v[:, :stop])  # (B·K, G·t, D)
            out[:, :, start:stop] = block.unflatten(1, (groups, -1))
            kept.append(p)
        ctx.save_for_backward(q, k, v, *kept)
        return out.view(n_batch, n_heads, n_tokens, d_head)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v, *kept = ctx.saved_tensors
        n_batch, n_kv = grad.shape[0], k.shape[0] // grad.shape[0]
        grad = grad.reshape(q.shape)
        grad_q = torch.empty_like(q, memory_format=torch.contiguous_format)
        grad_k, grad_v = torch.empty_like(k), torch.empty_like(v)
        blocks = list(zip(_blocks(q.shape[2]), kept, strict=True))
        # the last block meets all keys: it sets what the others add to
        for (start, stop), p in reversed(blocks):
            g = grad[:, :, start:stop].flatten(1, 2)  # (B·K, G·t, D)
            queries = q[:, :, start:stop].flatten(1, 2)
            last = stop == q.shape[2]
            _put_product(grad_v, p, g, last)
            dp = torch.bmm(g, v[:, :stop].transpose(1, 2))
            # d softmax: p · (dp - Σ p·dp); the sum equals that of out · grad
            ds = torch._softmax_backward_data(dp, p, -1, p.dtype)
            dq = torch.bmm(ds, k[:, :stop])
            grad_q[:, :, start:stop] = dq.unflatten(1, (q.shape[1], -1))
            _put_product(grad_k, ds, queries, last)
        scale = 1 / math.sqrt(q.shape[-1])
        return (
            grad_q.mul_(scale).view(n_batch, -1, *q.shape[2:]),
            grad_k.mul_(scale).view(n_batch, n_kv, *k.shape[1:]),
            grad_v.view(n_batch, n_kv, *v.shape[1:]),
        )


def _put_product(total: Tensor, a: Tensor, b: Tensor, is_first: bool) -> None:
    """Set, or add to, the first rows of `total` by aᵀ b."""
    if is_first:
        torch.bmm(a.transpose(1, 2), b, out=total)
    else:
        # no baddbmm_: into rows that do not lie together it goes matrix by matrix
        total[:, : a.shape[2]] += torch.bmm(a.transpose(1, 2), b)


def _probabilities(q: Tensor, k: Tensor) -> Tensor:
    """Causal softmax of a block of queries; the last of them ends with the keys."""
    groups, n_new, n_keys = q.shape[1], q.shape[2], k.shape[1]
    scale = 1 / math.sqrt(q.shape[-1])
    bias = _causal_bias(groups, n_new, n_keys, q.dtype, q.device)
    # the mask rides on the product: scores = bias + scale · q kᵀ
    scores = torch.baddbmm(
        bias.expand(q.shape[0], -1, -1),
        q.flatten(1, 2),
        k.transpose(1, 2),
        alpha=scale,
    )
    return torch.softmax(scores, -1, out=scores)


@lru_cache(maxsize=8)
def _causal_bias(
    groups: int, n_new: int, n_keys: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """0 where the last `n_new` of `n_keys` tokens may look, else -∞: (G·t, S)."""
    hidden = torch.full((n_new, n_keys), -torch.inf, dtype=dtype, device=device)
    return hidden.triu_(n_keys - n_new + 1).repeat(groups, 1)
