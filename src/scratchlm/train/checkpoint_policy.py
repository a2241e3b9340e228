"""Which checkpoints stay on the disk. Imports no torch."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from pydantic import Field

from scratchlm.base.config import Config


class CheckpointPolicy(Config):
    """How many checkpoints are kept, and how they are written."""

    keep_last: int = Field(default=2, ge=1)
    """Newest checkpoints that stay; with 2, a damaged one costs no more than its
    predecessor's distance."""
    keep_best: int = Field(default=1, ge=0)
    """Checkpoints of the lowest validation figure that stay; one that was saved
    without a finite one is never best."""
    keep_every_steps: int | None = Field(default=None, ge=1)
    """Checkpoints at multiples of this step stay for good; None keeps none so."""
    asynchronous: bool = True
    """Write in the background: training waits for a copy in memory, not for the
    disk."""


class Saved(NamedTuple):
    """A checkpoint on the disk."""

    step: int
    """Optimizer steps that were done."""
    metric: float | None = None
    """Validation figure at that step, lower is better; None where none was taken."""


def choose_kept(saved: Iterable[Saved], policy: CheckpointPolicy) -> set[int]:
    """Choose the steps whose checkpoints stay; of equally good ones, the earlier."""
    known = sorted(saved, key=lambda one: one.step)
    kept = {one.step for one in known[-policy.keep_last :]}
    measured = [
        (one.metric, one.step)
        for one in known
        if one.metric is not None and math.isfinite(one.metric)
    ]
    kept |= {step for _, step in sorted(measured)[: policy.keep_best]}
    every = policy.keep_every_steps
    if every is not None:
        kept |= {one.step for one in known if one.step % every == 0}
    return kept
