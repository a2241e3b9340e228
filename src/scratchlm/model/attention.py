"""Causal self-attention, multi-head or grouped-query (Ainslie et al. 2023).

Axes: B batch, T query tokens, S keys (cached ones and new ones), C channels, H query
heads, K key and value heads, G = H / K queries a group, D head channels.
"""

from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from scratchlm.model.causal_products import causal_attention
from scratchlm.model.config import ModelConfig
from scratchlm.model.norm import RMSNorm
from scratchlm.model.position import rotate


@runtime_checkable
class Cache(Protocol):
    """Keys and values of the tokens that came before."""

    @property
    def length(self) -> int:
        """Tokens held."""

    def update(
        self, layer: int, k: Float[Tensor, "B K T D"], v: Float[Tensor, "B K T D"]
    ) -> tuple[Float[Tensor, "B K S D"], Float[Tensor, "B K S D"]]:
        """Append one layer's new keys and values; return all of them."""


class Attention(nn.Module):
    """Projections, optional QK-norm, RoPE, masked softmax, output projection."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.config = config
        self.layer = layer
        self.kernel = "products"
        width, bias = config.d_model, config.bias
        self.q_proj = nn.Linear(width, config.n_heads * config.d_head, bias=bias)
        self.k_proj = nn.Linear(width, config.n_kv_heads * config.d_head, bias=bias)
        self.v_proj = nn.Linear(width, config.n_kv_heads * config.d_head, bias=bias)
        self.o_proj = nn.Linear(config.n_heads * config.d_head, width, bias=bias)
        if config.qk_norm == "before_rope":
            self.q_norm = RMSNorm(config.d_head, config.norm_epsilon)
            self.k_norm = RMSNorm(config.d_head, config.norm_epsilon)

    def forward(
        self,
        x: Float[Tensor, "B T C"],
        rotary: tuple[Tensor, Tensor] | None,
        cache: Cache | None = None,
        mask: Bool[Tensor, "B 1 T S"] | None = None,
    ) -> Float[Tensor, "B T C"]:
        """Attend. `mask` (True = may look) replaces the causal rule where given."""
        q, k, v = self._heads(x, rotary)
        if cache is not None:
            k, v = cache.update(self.layer, k, v)
        plain = mask is None and q.shape[2] == k.shape[2]
        if plain and torch.is_grad_enabled() and self.kernel == "products":
            out = causal_attention(q, k, v)
        else:
            out = attention(q, k, v, mask)
        return self.o_proj(out.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def _heads(
        self, x: Tensor, rotary: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        d_head = self.config.d_head
        # (B, T, H·D) → (B, H, T, D)
        q = self.q_proj(x).unflatten(-1, (-1, d_head))
        k = self.k_proj(x).unflatten(-1, (-1, d_head))
        v = self.v_proj(x).unflatten(-1, (-1, d_head)).transpose(1, 2)
        if self.config.qk_norm == "before_rope":
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = q.transpose(1, 2), k.transpose(1, 2)
        if rotary is not None:
            q, k = rotate(q, *rotary), rotate(k, *rotary)
        return q, k, v


def attention(
    q: Float[Tensor, "B H T D"],
    k: Float[Tensor, "B K S D"],
    v: Float[Tensor, "B K S D"],
    mask: Bool[Tensor, "B 1 T S"] | None = None,
) -> Float[Tensor, "B H T D"]:
    """Torch's fused attention; without a mask, new tokens see all that came before."""
    n_new, n_all = q.shape[2], k.shape[2]
    causal = mask is None and n_new == n_all and n_new > 1
    if mask is None and 1 < n_new < n_all:
        mask = causal_mask(n_new, n_all, q.device)
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=q.shape[1] != k.shape[1]
    )


def causal_mask(
    n_new: int, n_all: int, device: torch.device
) -> Bool[Tensor, "1 1 T S"]:
    """True where a new token may look: at itself and at everything before it."""
    mask = torch.ones(n_new, n_all, dtype=torch.bool, device=device)
    return mask.tril(n_all - n_new)[None, None]
