"""Learning-rate schedules: linear warm-up, then one of three ways down.

    wsd      constant, then a decay over the last steps (Hu et al. 2024)
    linear   one straight line from the warm-up to the end
    cosine   half a cosine from the warm-up to the end (Loshchilov and Hutter 2017)

With wsd, any checkpoint from before the decay can be trained for longer. Its decay is a
line, or 1 - √share, which falls faster at first (Hägele et al. 2024). A linear decay to
zero beats a cosine to a tenth (Bergsma et al. 2025, "Straight to Zero").
"""

import math

from scratchlm.train.config import TrainConfig


def lr_frac(config: TrainConfig, step: int) -> float:
    """Share of the peak learning rate that optimizer step `step` (from 0) uses."""
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    final, height = config.final_lr_frac, _height(config, step)
    return final + (1 - final) * height if height < 1 else 1.0


def _height(config: TrainConfig, step: int) -> float:
    """How far above its end the learning rate is after the warm-up, from 1 to 0."""
    falling = config.total_steps - config.warmup_steps
    if config.schedule == "wsd":
        falling = config.decay_steps
    left = min((config.total_steps - step) / max(falling, 1), 1.0)
    if config.schedule == "cosine":
        return (1 - math.cos(math.pi * left)) / 2
    if config.schedule == "wsd" and config.decay_shape == "sqrt":
        return 1 - math.sqrt(1 - left)
    return left
