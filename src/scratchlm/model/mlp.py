"""Feed-forward networks. Axes: B batch, T tokens, C channels, F inner channels.

SwiGLU (Shazeer 2020): down(silu(gate(x)) · up(x)). GELU (Hendrycks and Gimpel 2016) in
its tanh form, as GPT-2 has it, or exact. ReLU² (So et al. 2021).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from scratchlm.model.config import ModelConfig
from scratchlm.model.linear import Linear


class MLP(nn.Module):
    """The feed-forward network of a block."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.kind = config.mlp
        if config.mlp == "swiglu":
            self.gate_proj = Linear(config.d_model, config.d_ff, bias=config.bias)
        self.up_proj = Linear(config.d_model, config.d_ff, bias=config.bias)
        self.down_proj = Linear(config.d_ff, config.d_model, bias=config.bias)

    def forward(self, x: Float[Tensor, "*rows C"]) -> Float[Tensor, "*rows C"]:
        """Apply the network to each token alone."""
        return self.down_proj(self.inner(x))  # type: ignore[no-any-return]

    def inner(self, x: Float[Tensor, "*rows C"]) -> Float[Tensor, "*rows F"]:
        """Compute the inner activations, the input of the last projection."""
        if self.kind == "swiglu":
            return gated_activation(self.gate_proj(x), self.up_proj(x))
        return plain_activation(self.up_proj(x), self.kind)


def gated_activation(
    gate: Float[Tensor, "*rows F"], up: Float[Tensor, "*rows F"]
) -> Float[Tensor, "*rows F"]:
    """SwiGLU's: silu(gate) · up."""
    return torch.mul(F.silu(gate), up)


def plain_activation(
    up: Float[Tensor, "*rows F"], kind: str
) -> Float[Tensor, "*rows F"]:
    """Those without a gate: "gelu", "gelu_exact", "relu2"."""
    if kind == "relu2":
        return torch.relu(up).square()
    return F.gelu(up, approximate="tanh" if kind == "gelu" else "none")
