"""How much arithmetic a token costs.

One multiply-add is two FLOPs; a backward pass costs twice its forward pass. So a
token costs 2 N forward and 6 N in training, N being the parameters that it is
multiplied by (`count_multiplied`: blocks and head, no lookups; Kaplan et al. 2020),
and attention adds its two products, scores and mixing.

Convention for attention: **causal**. A token at place t looks at t + 1 others, so
over a full context of T it meets (T + 1) / 2 on average. Counting the whole square,
as many published figures do (12 L C T in training), is twice as much and flatters
the hardware; `attention="full"` gives it for comparison.
Norms, activations, softmax and the optimizer are left out: under 2 % at any size.
"""

from typing import Literal

from scratchlm.model.config import ModelConfig
from scratchlm.plan.parameters import count_multiplied, layer_matrices

Attention = Literal["causal", "full"]


def estimate_forward_flops(
    config: ModelConfig,
    context_length: int | None = None,
    attention: Attention = "causal",
) -> float:
    """FLOPs of one forward pass per token, averaged over a full context."""
    n_tokens = context_length or config.context_length
    seen = n_tokens if attention == "full" else (n_tokens + 1) / 2
    per_layer = 2 * 2 * config.n_heads * config.d_head * seen
    return 2 * count_multiplied(config) + config.n_layers * per_layer


def estimate_training_flops(
    config: ModelConfig,
    context_length: int | None = None,
    attention: Attention = "causal",
) -> float:
    """FLOPs of one training token: forward once, backward twice that."""
    return 3 * estimate_forward_flops(config, context_length, attention)


def estimate_muon_flops(config: ModelConfig, n_iterations: int = 5) -> float:
    """FLOPs of one Muon step: Newton-Schulz on every matrix of the blocks.

    A matrix of m x n, m <= n, costs per iteration two products m m n (X Xᵀ, and the
    polynomial times X) and one of m m m. It does not depend on the batch: spread
    over few tokens a step it is dear, over many it vanishes.
    """
    per_layer = sum(
        _newton_schulz_flops(min(shape), max(shape)) for shape in layer_matrices(config)
    )
    return float(n_iterations * config.n_layers * per_layer)


def _newton_schulz_flops(small: int, large: int) -> int:
    return 2 * (2 * small * small * large + small**3)
