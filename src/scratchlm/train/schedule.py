"""Learning-rate schedule: linear warm-up, constant, linear decay (WSD; Hu et al. 2024).

A linear decay to zero beats a cosine (Bergsma et al. 2025, "Straight to Zero").
"""

from scratchlm.train.config import TrainConfig


def lr_frac(config: TrainConfig, step: int) -> float:
    """Share of the peak learning rate that optimizer step `step` (from 0) uses."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    left = config.total_steps - step
    if left > config.decay_steps:
        return 1.0
    share = left / max(config.decay_steps, 1)
    return config.final_lr_frac + (1 - config.final_lr_frac) * share
