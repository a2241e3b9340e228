"""One block: attention and feed-forward, each with its norm and its residual sum.

Axes: B batch, T tokens, C channels, S keys.
"""

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from scratchlm.model.attention import Attention, Cache
from scratchlm.model.config import ModelConfig
from scratchlm.model.experts import MixtureOfExperts
from scratchlm.model.mlp import MLP
from scratchlm.model.norm import build_norm


class Block(nn.Module):
    """Pre-norm: x + f(norm(x)), twice. Post-norm: norm(x + f(x)), twice."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.pre = config.norm_placement == "pre"
        self.dropout = config.dropout
        self.input_layernorm = build_norm(config)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = build_norm(config)
        self.mlp = MLP(config) if config.n_experts is None else MixtureOfExperts(config)

    def forward(
        self,
        x: Float[Tensor, "B T C"],
        rotary: tuple[Tensor, Tensor] | None,
        cache: Cache | None = None,
        mask: Bool[Tensor, "B 1 T S"] | None = None,
        values: Float[Tensor, "B T KD"] | None = None,
    ) -> Float[Tensor, "B T C"]:
        """Apply the block; `mask` and `values` as `Attention` takes them."""
        if self.pre:
            normed = self.input_layernorm(x)
            x = x + self._drop(self.self_attn(normed, rotary, cache, mask, values))
            return x + self._drop(self.mlp(self.post_attention_layernorm(x)))
        attended = self._drop(self.self_attn(x, rotary, cache, mask, values))
        x = self.input_layernorm(x + attended)
        return self.post_attention_layernorm(x + self._drop(self.mlp(x)))  # type: ignore[no-any-return]

    def _drop(self, x: Tensor) -> Tensor:
        if not self.dropout or not self.training:
            return x
        return F.dropout(x, self.dropout)
