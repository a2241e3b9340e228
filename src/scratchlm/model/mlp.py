"""Feed-forward networks. Axes: B batch, T tokens, C channels, F inner channels.

SwiGLU (Shazeer 2020): down(silu(gate(x)) · up(x)). GELU in its tanh form, as GPT-2
has it. ReLU² (So et al. 2021) is an ablation switch.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from scratchlm.model.config import ModelConfig


class MLP(nn.Module):
    """The feed-forward network of a block."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.kind = config.mlp
        if config.mlp == "swiglu":
            self.gate_proj = nn.Linear(config.d_model, config.d_ff, bias=config.bias)
        self.up_proj = nn.Linear(config.d_model, config.d_ff, bias=config.bias)
        self.down_proj = nn.Linear(config.d_ff, config.d_model, bias=config.bias)

    def forward(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T C"]:
        """Apply the network to each token alone."""
        return self.down_proj(self.inner(x))  # type: ignore[no-any-return]

    def inner(self, x: Float[Tensor, "B T C"]) -> Float[Tensor, "B T F"]:
        """Compute the inner activations, the input of the last projection."""
        if self.kind == "swiglu":
            return torch.mul(F.silu(self.gate_proj(x)), self.up_proj(x))
        if self.kind == "gelu":
            return F.gelu(self.up_proj(x), approximate="tanh")
        return torch.relu(self.up_proj(x)).square()
