"""How much arithmetic a token and a step cost.

What a token costs stands in `scratchlm.model.counts`: 2 N forward and 6 N in training
plus causal attention. Here, what an optimizer adds to a step.
"""

from scratchlm.model.config import ModelConfig
from scratchlm.model.counts import Attention as Attention
from scratchlm.model.counts import block_matrices
from scratchlm.model.counts import estimate_forward_flops as estimate_forward_flops
from scratchlm.model.counts import estimate_training_flops as estimate_training_flops


def estimate_muon_flops(config: ModelConfig, n_iterations: int = 5) -> float:
    """FLOPs of one Muon step: Newton-Schulz on every matrix of the blocks.

    A matrix of m x n, m <= n, costs per iteration two products m m n (X Xᵀ, and the
    polynomial times X) and one of m m m. It does not depend on the batch: spread
    over few tokens a step it is dear, over many it vanishes. Every expert is a
    matrix of its own.
    """
    return float(
        n_iterations
        * sum(
            n * _newton_schulz_flops(min(shape), max(shape))
            for shape, n in block_matrices(config).items()
        )
    )


def _newton_schulz_flops(small: int, large: int) -> int:
    return 2 * (2 * small * small * large + small**3)
