"""Who watches a run, and where its numbers go beside `metrics.jsonl`.

Nothing here changes a bit of what is learned. Imports no torch.
"""

from typing import Literal

from pydantic import Field, field_validator

from scratchlm.base.config import Config


class TrackingConfig(Config):
    """Sinks, view, sanity checks and samples of a training run."""

    sinks: tuple[Literal["tensorboard", "wandb", "trackio"], ...] = ()
    """Trackers that get every number too; each needs the extra of its name. Nothing is
    sent: Weights & Biases and trackio write offline, into the stage's folder. One name
    or several, as "tensorboard,trackio"."""
    project: str = "scratchlm"
    """The project under which trackers file the run."""
    view: Literal["auto", "lines"] = "auto"
    """A live view where standard error is a terminal, or always plain lines."""
    sanity: bool = True
    """Say whether the numbers are normal: first loss, gradients, leakage, dead units,
    the loss that this size and so many tokens usually reach."""
    leakage_tokens: int = Field(default=2**24, ge=0)
    """Training tokens that are searched for held-out passages; 0 searches none."""
    prompts: tuple[str, ...] = ()
    """Beginnings that the model continues as it learns, beside those of held-out
    text."""
    sources: bool = True
    """Measure the held-out loss of each source of the corpus by itself."""

    @field_validator("sinks", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(name.strip() for name in value.split(",") if name.strip())

    @field_validator("prompts", mode="before")
    @classmethod
    def _wrap_one(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value
