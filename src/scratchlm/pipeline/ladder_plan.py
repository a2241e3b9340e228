"""Which models a ladder is made of: one family, rising in compute.

All rungs are of the target's style and proportions and train on as many tokens for each
parameter of blocks and head as it does; batch, rates and decay follow by the rules of
`plan.depth`, taken from the target. So compute is the only thing that differs, and one
law in compute can hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.base.units import format_count
from scratchlm.model.config import ModelConfig
from scratchlm.pipeline.scaling_fit import LEAST_RUNGS
from scratchlm.pipeline.trial import TrialConfig
from scratchlm.pipeline.trial_base import TrialBase, build_trial, heldout_size
from scratchlm.pipeline.trial_shape import format_shape, resized
from scratchlm.plan.depth import (
    Reference,
    batch_lr_frac,
    scaled_weight_decay,
    width_lr_frac,
)
from scratchlm.plan.parameters import count_multiplied
from scratchlm.plan.scaling import (
    BATCH_EXPONENT,
    MAX_EPOCHS,
    TOKENS_PER_PARAMETER,
    epoch_warning,
)


@dataclass(frozen=True)
class LadderRung:
    """One size: its trials by seed."""

    label: str
    trials: tuple[TrialConfig, ...]

    @property
    def flops(self) -> float:
        """Training FLOPs of one trial."""
        return self.trials[0].flops


@dataclass(frozen=True)
class LadderPlan:
    """Rungs by rising compute, and the target above them."""

    base: TrialBase
    rungs: tuple[LadderRung, ...]
    target: LadderRung
    tokens_per_parameter: float
    notes: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides the prediction and what it is held to."""
        trials = [t.model_dump(mode="json") for r in self.rungs for t in r.trials]
        target = self.target.trials[0].model_dump(mode="json")
        return sha256_json([self.base.data.fingerprint, trials, target])


def plan_ladder(
    base: TrialBase,
    shapes: Sequence[tuple[int, int]],
    target: tuple[int, int] | None = None,
    *,
    tokens_per_parameter: float | None = None,
    n_seeds: int = 1,
    heldout_tokens: int | None = None,
) -> LadderPlan:
    """Build the trials of a ladder.

    Args:
        base: gives style, training and data.
        shapes: (layers, width) of the rungs.
        target: (layers, width) of the model to predict; None is the base's own.
        tokens_per_parameter: for each weight of blocks and head; None is the base's
            own, or 20 where it has none, as far as the text reaches.
        n_seeds: trials a rung; the target has one.
        heldout_tokens: predicted at the end of each trial.

    Raises:
        UserError: too few rungs, or one that is not below the target.
    """
    goal = base.model if target is None else resized(base.model, *target)
    goal_n = count_multiplied(goal)
    own = base.tokens / count_multiplied(base.model) if base.tokens else None
    ratio = tokens_per_parameter or own or _affordable(base, goal_n)
    heldout_tokens = heldout_tokens or heldout_size(int(ratio * goal_n))
    rungs = [
        _rung(base, goal, resized(base.model, *shape), ratio, n_seeds, heldout_tokens)
        for shape in sorted(set(shapes))
    ]
    rungs.sort(key=lambda rung: rung.flops)
    top = _rung(base, goal, goal, ratio, 1, heldout_tokens)
    _check(rungs, top)
    warning = epoch_warning(ratio * goal_n, base.data.n_train_tokens, MAX_EPOCHS)
    notes = (f"the target: {warning}",) if warning else ()
    return LadderPlan(base, tuple(rungs), top, ratio, notes)


def _affordable(base: TrialBase, n_weights: int) -> float:
    """Chinchilla's 20 tokens a weight, or what four epochs of the text give."""
    text = MAX_EPOCHS * base.data.n_train_tokens / n_weights
    return min(TOKENS_PER_PARAMETER, text)


def _rung(
    base: TrialBase,
    goal: ModelConfig,
    model: ModelConfig,
    ratio: float,
    n_seeds: int,
    heldout_tokens: int,
) -> LadderRung:
    tokens = int(ratio * count_multiplied(model))
    most = int(ratio * count_multiplied(goal))
    first = base.said.get("train", {}).get("seed", 0)
    whole = build_trial(base, most, first)
    settings = {
        "model": model.model_dump(mode="json"),
        "train": _scaled_training(whole, goal, model, tokens / most),
    }
    trials = tuple(
        build_trial(base, tokens, first + i, settings, heldout_tokens)
        for i in range(n_seeds)
    )
    return LadderRung(format_shape(model), trials)


def _scaled_training(
    whole: TrialConfig, goal: ModelConfig, model: ModelConfig, share: float
) -> dict[str, Any]:
    """Batch and rates of a rung that trains on a share of the target's tokens."""
    train = whole.train
    if train.batch_stages:
        raise UserError(
            "a ladder scales one batch size: say train.batch_stages=[] to leave its "
            "growth out"
        )
    top = Reference(
        source="the target",
        d_model=goal.d_model,
        tokens=train.total_tokens,
        tokens_per_step=train.tokens_per_step,
        matrix_lr=train.matrix_lr,
        embed_lr=train.embed_lr,
        head_lr=train.head_lr,
        weight_decay=train.weight_decay,
        tokens_per_parameter=train.total_tokens / count_multiplied(goal),
    )
    rows = max(1, round(train.batch_size * share**BATCH_EXPONENT))
    per_step = rows * train.context_length
    batch = batch_lr_frac(per_step, top)
    width = width_lr_frac(model.d_model, top)
    matrix = batch if train.optimizer == "muon" else batch * width
    return {
        "batch_size": rows,
        "matrix_lr": train.matrix_lr * matrix,
        "embed_lr": train.embed_lr * batch * width,
        "head_lr": train.head_lr * batch * width,
        "vector_lr": train.vector_lr * batch,
        "weight_decay": scaled_weight_decay(top.tokens * share, per_step, top),
    }


def _check(rungs: Sequence[LadderRung], target: LadderRung) -> None:
    if len(rungs) < LEAST_RUNGS:
        raise UserError(
            f"{len(rungs)} rungs are too few: a law of three numbers needs "
            f"{LEAST_RUNGS} or more, such as --rungs 2x32,3x48,4x64,5x80"
        )
    top = rungs[-1]
    if top.flops >= target.flops:
        raise UserError(
            f"rung {top.label} takes {format_count(top.flops)}FLOP, not less than the "
            f"target {target.label}: name smaller rungs, or a larger --target"
        )
