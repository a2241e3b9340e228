"""Causal self-attention, multi-head or grouped-query (Ainslie et al. 2023).

Axes: B batch, T query tokens, S keys (cached ones and new ones), C channels, H query
heads, K key and value heads, D head channels.
"""

from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from scratchlm.model.causal_products import causal_attention
from scratchlm.model.config import ModelConfig
from scratchlm.model.linear import Linear
from scratchlm.model.mask import causal_mask, window_mask
from scratchlm.model.masked_products import masked_attention
from scratchlm.model.norm import RMSNorm
from scratchlm.model.position import rotary_sharpness, rotate

MOST_GATE = 3.0
"""A value embedding counts at most this often (nanochat)."""


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
    """Projections, QK-norm and RoPE as the config says, softmax, output projection."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.config = config
        self.layer = layer
        self.window = config.window(layer)
        self.kernel = "products"
        width, bias = config.d_model, config.bias
        self.q_proj = Linear(width, config.n_heads * config.d_head, bias=bias)
        self.k_proj = Linear(width, config.n_kv_heads * config.d_head, bias=bias)
        self.v_proj = Linear(width, config.n_kv_heads * config.d_head, bias=bias)
        self.o_proj = Linear(config.n_heads * config.d_head, width, bias=bias)
        # the norm after RoPE takes YaRN's length away; the queries bear both scales
        self.query_scale = (config.qk_scale * rotary_sharpness(config)) ** 2
        if config.qk_norm != "none":
            gain = config.qk_norm == "before_rope"
            self.q_norm = RMSNorm(config.d_head, config.norm_epsilon, gain=gain)
            self.k_norm = RMSNorm(config.d_head, config.norm_epsilon, gain=gain)
        if config.has_value_embedding(layer):
            n_gates = config.n_kv_heads
            self.value_gate = Linear(config.value_gate_width, n_gates, bias=False)

    def forward(
        self,
        x: Float[Tensor, "B T C"],
        rotary: tuple[Tensor, Tensor] | None,
        cache: Cache | None = None,
        mask: Bool[Tensor, "B 1 T S"] | None = None,
        values: Float[Tensor, "B T KD"] | None = None,
    ) -> Float[Tensor, "B T C"]:
        """Attend. `mask` (True = may look) replaces the causal rule where given.

        A mask must hold the layer's window already. `values` are this layer's value
        embeddings of the tokens.
        """
        q, k, v = self._heads(x, rotary)
        if values is not None:
            v = v + self._gated(x, values)
        if cache is not None:
            k, v = cache.update(self.layer, k, v)
        out = self._attend(q, k, v, mask)
        return self.o_proj(out.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        n_keys = k.shape[2]
        window = self.window if self.window and self.window < n_keys else None
        by_products = torch.is_grad_enabled() and self.kernel == "products"
        if not by_products or q.shape[2] != n_keys:
            return attention(q, k, v, mask, window)
        if mask is None and window is None:
            return causal_attention(q, k, v)
        return masked_attention(q, k, v, mask, window)

    def _heads(
        self, x: Tensor, rotary: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        d_head, kind = self.config.d_head, self.config.qk_norm
        # (B, T, H·D) → (B, H, T, D)
        q = self.q_proj(x).unflatten(-1, (-1, d_head))
        k = self.k_proj(x).unflatten(-1, (-1, d_head))
        v = self.v_proj(x).unflatten(-1, (-1, d_head)).transpose(1, 2)
        if kind == "before_rope":
            q, k = self.q_norm(q), self.k_norm(k)
        q, k = q.transpose(1, 2), k.transpose(1, 2)
        if rotary is not None:
            q, k = rotate(q, *rotary), rotate(k, *rotary)
        if kind == "after_rope":
            q, k = self.q_norm(q) * self.query_scale, self.k_norm(k)
        return q, k, v

    def _gated(self, x: Tensor, values: Tensor) -> Tensor:
        """Value embeddings (B, K, T, D), each head opened by some of the channels."""
        gate: Tensor = self.value_gate(x[..., : self.value_gate.in_features])
        heads: Tensor = values.unflatten(-1, (-1, self.config.d_head))  # (B, T, K, D)
        opened = MOST_GATE * torch.sigmoid(gate).unsqueeze(-1)  # (B, T, K, 1)
        return (opened * heads).transpose(1, 2)


def attention(
    q: Float[Tensor, "B H T D"],
    k: Float[Tensor, "B K S D"],
    v: Float[Tensor, "B K S D"],
    mask: Bool[Tensor, "B 1 T S"] | None = None,
    window: int | None = None,
) -> Float[Tensor, "B H T D"]:
    """Torch's fused attention; without a mask, new tokens see all that came before.

    A window, where no mask is given, leaves the last so many tokens of that.
    """
    n_new, n_all = q.shape[2], k.shape[2]
    if mask is None and window is not None:
        if n_new == 1:
            k, v = k[:, :, -window:], v[:, :, -window:]
        else:
            mask = window_mask(n_new, n_all, window, q.device)
    causal = mask is None and n_new == n_all and n_new > 1
    if mask is None and 1 < n_new < n_all:
        mask = causal_mask(n_new, n_all, q.device)
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=q.shape[1] != k.shape[1]
    )
