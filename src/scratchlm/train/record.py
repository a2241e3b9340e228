"""What the loop says of one optimizer step, once: rows, sinks and the view read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

CLOCKED = ("train/tokens_per_s", "train/mfu_frac", "train/step_s", "time_s")
"""Names in a row that depend on a clock; all others are the same in every repeat."""


@dataclass(frozen=True)
class StepRecord:
    """One optimizer step, whether its gradient was taken or not."""

    step: int
    """Steps done, this one included (from 1); falls after a rollback."""
    total_steps: int
    """Steps of the whole run."""
    loss: float
    """Nats a counted token, or what else the objective lowers."""
    grad_norm: float
    """Global norm of the gradient before clipping."""
    lr: float
    """Learning rate of the blocks' matrices at this step."""
    tokens: int
    """Tokens read since the run's first step, this one's included."""
    step_tokens: int
    """Tokens of this step."""
    step_s: float
    """Wall-clock time of this step, without hooks and checkpoints, in seconds."""
    mfu_frac: float | None = None
    """Share of the measured ceiling that the model's arithmetic reached."""
    action: str = "accept"
    """What the guard decided: accept, skip, rollback, cut_lr."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Further metrics by their full name, as `align/margin`."""

    @property
    def tokens_per_s(self) -> float:
        """Speed of this step."""
        return self.step_tokens / max(self.step_s, 1e-9)

    def row(self) -> dict[str, float | int | str]:
        """What goes to `metrics.jsonl` and to every sink."""
        row: dict[str, float | int | str] = {
            "train/loss": self.loss,
            "train/grad_norm": self.grad_norm,
            "train/lr": self.lr,
            "train/tokens": self.tokens,
            "train/tokens_per_s": round(self.tokens_per_s, 1),
        }
        if self.mfu_frac is not None:
            row["train/mfu_frac"] = round(self.mfu_frac, 4)
        if self.action != "accept":
            row["train/action"] = self.action
        return {**row, **self.values}


class Observer(Protocol):
    """Who watches a run: it changes nothing that is learned."""

    def step(self, record: StepRecord) -> None:
        """Take in one step."""

    def note(self, text: str) -> None:
        """Say a line that stays."""

    def close(self) -> None:
        """Give the terminal back; calling it again does nothing."""
