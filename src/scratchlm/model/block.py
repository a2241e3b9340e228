"""One block: attention and feed-forward, each with its norm and its residual sum.

Axes: B batch, T tokens, C channels, S keys.
"""

from jaxtyping import Bool, Float
from torch import Tensor, nn

from scratchlm.model.attention import Attention, Cache
from scratchlm.model.config import ModelConfig
from scratchlm.model.mlp import MLP
from scratchlm.model.norm import build_norm


class Block(nn.Module):
    """Pre-norm: x + f(norm(x)), twice. Post-norm: norm(x + f(x)), twice."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.pre = config.norm_placement == "pre"
        self.input_layernorm = build_norm(config)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = build_norm(config)
        self.mlp = MLP(config)

    def forward(
        self,
        x: Float[Tensor, "B T C"],
        rotary: tuple[Tensor, Tensor] | None,
        cache: Cache | None = None,
        mask: Bool[Tensor, "B 1 T S"] | None = None,
    ) -> Float[Tensor, "B T C"]:
        """Apply the block."""
        if self.pre:
            x = x + self.self_attn(self.input_layernorm(x), rotary, cache, mask)
            return x + self.mlp(self.post_attention_layernorm(x))  # type: ignore[no-any-return]
        x = self.input_layernorm(x + self.self_attn(x, rotary, cache, mask))
        return self.post_attention_layernorm(x + self.mlp(x))  # type: ignore[no-any-return]
