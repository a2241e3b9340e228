"""The guard: may a step touch the weights?

Each step's loss and gradient norm (before clipping) are judged before the optimizer
moves. What is not finite is never let through. What is finite is scored by robust
deviations, (x - median) / (1.4826 · MAD), against the accepted steps of a window: the
loss as it is, the gradient norm by its logarithm. A rejected value never enters the
window, so that one spike cannot hide the next. Deviations have a floor: where all
steps are alike, a small difference is no spike.

The answer to an event comes from a policy, a list that is walked event by event and
begins anew after a calm stretch. Everything is a function of the values judged, and
all state is JSON: a resumed run judges as the undisturbed one.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from scratchlm.base.errors import UserError
from scratchlm.train.guard_config import GuardConfig

Action = Literal["accept", "skip", "rollback", "cut_lr", "stop"]
Kind = Literal["non_finite_loss", "non_finite_gradient", "loss_spike", "gradient_spike"]

Deviation = Callable[[Iterable[float], float], float]
"""Of a window around its median."""

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
LOSS_FLOOR_FRAC, LOSS_FLOOR = 0.01, 0.02
"""A deviation of the loss is at least 1 % of the median, and at least 0.02."""
GRAD_FLOOR = 0.2
"""A deviation of a gradient norm is at least a factor of e^0.2: real runs wander by
1.3 with a median absolute deviation of 1.04."""
_SMALLEST_NORM = 1e-30

_DONE = {
    "skip": "the step was dropped and the weights left as they were",
    "rollback": "the run goes back to its last checkpoint and passes over the data "
    "since",
    "cut_lr": "the step was dropped and the learning rates lowered",
    "stop": "the run stops",
}


@dataclass(frozen=True, kw_only=True)
class StepScores:
    """A step beside the accepted steps of the window."""

    loss: float
    """Mean over the counted tokens of the step."""
    grad_norm: float
    """Global norm of the gradients before clipping."""
    loss_score: float | None
    """Robust deviations above the median; None while too few steps were seen, and if
    the loss is not finite."""
    grad_score: float | None
    """The same for the logarithm of the gradient norm."""
    usual_loss: float | None
    """Median of the window; None while it is empty."""
    usual_grad_norm: float | None
    """Median of the window; None while it is empty."""


@dataclass(frozen=True, kw_only=True)
class Judgement(StepScores):
    """What to do about a step; unless it is accepted, its gradients are dropped."""

    action: Action
    kind: Kind | None = None
    """What was wrong; None if the step is accepted."""
    reason: str = ""
    """One line for a person; empty if the step is accepted."""

    @property
    def accepted(self) -> bool:
        """May the optimizer step?"""
        return self.action == "accept"


class DivergedError(UserError):
    """The guard gave up on a run."""


class Guard:
    """Judges the steps of one run, in order."""

    def __init__(self, config: GuardConfig) -> None:
        self.config = config
        self.lr_scale = 1.0
        """What all learning rates are multiplied with; below 1 after a cut."""
        self.n_events = 0
        """Events of the whole run, those before a rollback included."""
        self._place = 0  # in the policy
        self._last_event: int | None = None  # the furthest step with one
        self._losses: deque[float] = deque(maxlen=config.window_steps)
        self._norms: deque[float] = deque(maxlen=config.window_steps)  # logarithms

    def judge(
        self, step: int, loss: float, grad_norm: float, *, can_roll_back: bool
    ) -> Judgement:
        """Judge optimizer step `step` (from 0) by what all processes agreed on.

        Args:
            step: number of the step.
            loss: mean over the counted tokens of the step, all processes together.
            grad_norm: global norm of the gradients before clipping.
            can_roll_back: there is a checkpoint to go back to.
        """
        self._grow_calm(step)
        scores = self._scores(loss, grad_norm)
        kind = self._kind(scores)
        if kind is None:
            self._losses.append(loss)
            self._norms.append(_logarithm(grad_norm))
            return Judgement(action="accept", **vars(scores))
        action = self._answer(step, can_roll_back)
        if action == "cut_lr":
            self.lr_scale *= self.config.lr_cut
        reason = f"{_explain(kind, scores)}; {_DONE[action]}"
        return Judgement(action=action, kind=kind, reason=reason, **vars(scores))

    def return_to(self, state: dict[str, Any]) -> None:
        """Take the window of a checkpoint's state at a rollback.

        Events, place in the policy and learning-rate scale stay: the run must not
        walk into the same event for ever.
        """
        self._fill(state["losses"], state["log_grad_norms"])

    def state_dict(self) -> dict[str, Any]:
        """All state as JSON values."""
        return {
            "lr_scale": self.lr_scale,
            "n_events": self.n_events,
            "place": self._place,
            "last_event": self._last_event,
            "losses": list(self._losses),
            "log_grad_norms": list(self._norms),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take in all of a saved state."""
        self.lr_scale = float(state["lr_scale"])
        self.n_events = int(state["n_events"])
        self._place, self._last_event = state["place"], state["last_event"]
        self.return_to(state)

    def _fill(self, losses: Iterable[float], norms: Iterable[float]) -> None:
        size = self.config.window_steps
        self._losses, self._norms = deque(losses, size), deque(norms, size)

    def _grow_calm(self, step: int) -> None:
        """Forget the policy's place once the furthest event is far enough behind."""
        last = self._last_event
        if last is not None and step > last + self.config.calm_steps:
            self._place, self._last_event = 0, None

    def _scores(self, loss: float, grad_norm: float) -> StepScores:
        losses, norms = self._losses, self._norms
        return StepScores(
            loss=loss,
            grad_norm=grad_norm,
            loss_score=self._score(loss, losses, loss_deviation),
            grad_score=self._score(_logarithm(grad_norm), norms, norm_deviation),
            usual_loss=median(losses) if losses else None,
            usual_grad_norm=math.exp(median(norms)) if norms else None,
        )

    def _score(
        self, value: float, window: deque[float], deviation: Deviation
    ) -> float | None:
        if len(window) < self.config.fewest_steps or not math.isfinite(value):
            return None
        middle = median(window)
        return (value - middle) / deviation(window, middle)

    def _kind(self, scores: StepScores) -> Kind | None:
        if not math.isfinite(scores.loss):
            return "non_finite_loss"
        if not math.isfinite(scores.grad_norm):
            return "non_finite_gradient"
        if not self.config.enabled:
            return None
        if (scores.loss_score or 0.0) > self.config.max_loss_score:
            return "loss_spike"
        if (scores.grad_score or 0.0) > self.config.max_grad_score:
            return "gradient_spike"
        return None

    def _answer(self, step: int, can_roll_back: bool) -> Action:
        """The policy's answer to one more event."""
        self.n_events += 1
        self._last_event = max(step, self._last_event or 0)
        if not self.config.enabled:
            return "stop"
        policy = self.config.policy
        while self._place < len(policy) - 1:
            answer = policy[self._place]
            self._place += 1
            if answer != "rollback" or can_roll_back:
                return answer
        last = policy[-1]
        return last if last != "rollback" or can_roll_back else "stop"


def loss_deviation(window: Iterable[float], middle: float) -> float:
    """Robust standard deviation of losses, not below its floor."""
    floor = max(LOSS_FLOOR_FRAC * abs(middle), LOSS_FLOOR)
    return max(_robust_sigma(window, middle), floor)


def norm_deviation(window: Iterable[float], middle: float) -> float:
    """Robust standard deviation of logarithms of norms, not below its floor."""
    return max(_robust_sigma(window, middle), GRAD_FLOOR)


def _explain(kind: Kind, scores: StepScores) -> str:
    loss, norm = f"loss {scores.loss:.3f}", f"gradient norm {scores.grad_norm:.3g}"
    if kind == "non_finite_loss":
        return f"the loss is {scores.loss} ({norm})"
    if kind == "non_finite_gradient":
        return f"the gradient norm is {scores.grad_norm} though the {loss} is finite"
    if kind == "loss_spike":
        score, usual, beside = scores.loss_score, scores.usual_loss, norm
        what = f"a loss of {scores.loss:.3f}"
    else:
        score, usual, beside = scores.grad_score, scores.usual_grad_norm, loss
        what = f"a {norm}"
    return (
        f"{what} is {score:.0f} deviations above the median of accepted steps, "
        f"{usual:.3g} ({beside})"
    )


def _robust_sigma(window: Iterable[float], middle: float) -> float:
    return MAD_TO_SIGMA * median(abs(value - middle) for value in window)


def _logarithm(norm: float) -> float:
    return math.log(max(norm, _SMALLEST_NORM)) if math.isfinite(norm) else norm
