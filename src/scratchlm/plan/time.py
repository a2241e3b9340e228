"""How long a training takes and what it costs.

Time is arithmetic over rate. The rate is what a device reaches, not what its data
sheet says: peak x MFU (model FLOPs utilisation), or a measured tokens per second.
"""

from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig
from scratchlm.plan.flops import estimate_muon_flops, estimate_training_flops


def estimate_training_time_s(
    config: ModelConfig,
    tokens: float,
    flops_per_s: float,
    *,
    n_gpus: int = 1,
    tokens_per_step: int | None = None,
    muon: bool = False,
) -> float:
    """Seconds to train on `tokens` at `flops_per_s` reached by each of `n_gpus`.

    With `muon`, the Newton-Schulz steps are added, `tokens / tokens_per_step` times.
    """
    if flops_per_s <= 0 or n_gpus < 1:
        raise UserError(
            f"rate {flops_per_s} FLOP/s on {n_gpus} GPUs: give a positive rate and "
            "at least one GPU"
        )
    work = tokens * estimate_training_flops(config)
    if muon and tokens_per_step:
        work += tokens / tokens_per_step * estimate_muon_flops(config)
    return work / (flops_per_s * n_gpus)


def estimate_tokens(config: ModelConfig, seconds: float, flops_per_s: float) -> float:
    """Tokens that fit into `seconds` at this rate: the inverse of the above."""
    return seconds * flops_per_s / estimate_training_flops(config)


def estimate_cost(seconds: float, n_gpus: int, price_per_gpu_hour: float) -> float:
    """Price of the run in the currency that the hourly price is in."""
    return seconds / 3600 * n_gpus * price_per_gpu_hour


def mfu_frac(
    config: ModelConfig, tokens_per_s: float, peak_flops_per_s: float
) -> float:
    """Share of the peak that a measured speed uses (causal attention counted)."""
    return tokens_per_s * estimate_training_flops(config) / peak_flops_per_s
