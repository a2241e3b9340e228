"""When the guard steps in during training, and what it then does.

Imports no torch.
"""

from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config

Answer = Literal["skip", "rollback", "cut_lr", "stop"]


class GuardConfig(Config):
    """Loss spikes and values that are not finite: how they are told, and answered."""

    enabled: bool = True
    """Off: no step is judged by its size; one that is not finite still stops the run
    before it touches the weights."""
    window_steps: int = Field(default=128, ge=2)
    """Accepted steps whose losses and gradient norms a new one is held against."""
    fewest_steps: int = Field(default=32, ge=2)
    """Accepted steps before sizes are judged; what is not finite is caught at once."""
    max_loss_score: float = Field(default=6.0, gt=0)
    """A loss this many robust deviations above the median is a spike."""
    max_grad_score: float = Field(default=6.0, gt=0)
    """The same for the logarithm of the gradient norm before clipping."""
    policy: tuple[Answer, ...] = Field(
        default=(
            *("skip", "skip", "skip", "rollback"),
            *("skip", "skip", "cut_lr", "rollback"),
            *("skip", "skip", "cut_lr", "rollback", "stop"),
        ),
        min_length=1,
    )
    """Answers to the first, second, … event of a row; the last one answers all that
    follow. skip: drop the step, the weights stay as they are. rollback: go back to the
    last checkpoint and pass over the data since (where there is no checkpoint, the next
    answer is taken). cut_lr: drop the step and lower all learning rates for good. stop:
    end the run, the last checkpoint is whole."""
    lr_cut: float = Field(default=0.5, gt=0, lt=1)
    """What cut_lr multiplies the learning rates with."""
    calm_steps: int = Field(default=128, ge=1)
    """Steps without an event, counted beyond the furthest one, after which the policy
    begins anew with its first answer."""
    max_recorded_events: int = Field(default=32, ge=0)
    """Events that are written down with their batch; later ones are only counted."""
