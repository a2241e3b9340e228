"""The ladder: small models by compute, a law through them, a prediction, its proof.

    scratchlm ladder laptop --seeds 2            trains the rungs and predicts
    scratchlm ladder laptop --seeds 2 --check    then trains the target and compares

All rungs are of the target's style and proportions and train on as many tokens for each
parameter of blocks and head as it does; tokens a step grow as tokens^0.383, and
AdamW's rates fall as width^-0.5. So compute is the only thing that differs, and one law
in compute can hold. `prediction.json` is written before the target is trained and never
changed after that; if the rungs are others by then, it says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from scratchlm.base.atomic import read_json, write_json
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_count
from scratchlm.model.config import ModelConfig
from scratchlm.pipeline.scaling_fit import LEAST_RUNGS, Fit, Rungs, fit_ladder
from scratchlm.pipeline.trial import TrialConfig, TrialResult, read_trial, run_trial
from scratchlm.pipeline.trial_base import TrialBase, build_trial, choose_heldout
from scratchlm.pipeline.trial_shape import format_shape, resized
from scratchlm.pipeline.trial_statistics import pooled_relative_sd
from scratchlm.plan.parameters import count_multiplied
from scratchlm.plan.scaling import MAX_EPOCHS, TOKENS_PER_PARAMETER, epoch_warning

PREDICTION = "prediction.json"
BATCH_POWER = 0.383
WIDTH_POWER = -0.5
ADAM_RATES = ("embed_lr", "head_lr", "vector_lr")


@dataclass(frozen=True)
class Rung:
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
    rungs: tuple[Rung, ...]
    target: Rung
    tokens_per_parameter: float
    notes: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides the prediction and what it is held to."""
        trials = [t.model_dump(mode="json") for r in self.rungs for t in r.trials]
        target = self.target.trials[0].model_dump(mode="json")
        return sha256_json([self.base.data.fingerprint, trials, target])


@dataclass(frozen=True)
class Climbed:
    """A ladder as far as it is climbed."""

    plan: LadderPlan
    results: tuple[tuple[TrialResult, ...], ...]
    """By rung, by seed."""
    fit: Fit
    target: TrialResult | None = None
    """None where the target is not trained."""
    predicted_first: bool = True
    """Whether this prediction stood before the target was trained."""

    @property
    def bits_per_nat(self) -> float:
        """Bits per byte over nats a token: the same for all models of a tokenizer."""
        first = self.results[-1][0]
        assert first.loss and first.bits_per_byte
        return first.bits_per_byte / first.loss

    @property
    def within(self) -> bool | None:
        """Whether the target came out within the interval."""
        if self.target is None:
            return None
        loss = self.target.loss
        return loss is not None and self.fit.forecast.holds(loss)


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
    heldout_tokens = heldout_tokens or choose_heldout(int(ratio * goal_n))
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


def climb_ladder(plan: LadderPlan, out: Path, progress: Progress = SILENT) -> Climbed:
    """Train the rungs, small to large, fit the law, and write the prediction.

    Raises:
        UserError: a rung's loss blew up, or it could not run.
    """
    trials = [(rung, trial) for rung in plan.rungs for trial in rung.trials]
    for number, (rung, trial) in enumerate(trials, 1):
        result = run_trial(trial, plan.base.data, out / "trials", progress)
        name = f"{number}/{len(trials)}  {rung.label}, seed {trial.train.seed}"
        if result.loss is None:
            raise UserError(
                f"rung {rung.label} blew up ({result.failure}): lower its learning "
                "rates, such as train.matrix_lr, and climb again"
            )
        progress.note(f"  {name}: {result.bits_per_byte:.4f} bits per byte")
    climbed = read_ladder(plan, out)
    assert climbed is not None
    _write_prediction(climbed, out)
    return climbed


def check_ladder(climbed: Climbed, out: Path, progress: Progress = SILENT) -> Climbed:
    """Train the target, whose loss is predicted by now, and compare.

    Raises:
        UserError: it could not run.
    """
    plan = climbed.plan
    result = run_trial(plan.target.trials[0], plan.base.data, out / "trials", progress)
    bits = result.bits_per_byte
    said = f"blew up ({result.failure})" if bits is None else f"{bits:.4f}"
    progress.note(f"  target {plan.target.label}: {said} bits per byte")
    checked = read_ladder(plan, out)
    assert checked is not None
    return checked


def read_ladder(plan: LadderPlan, out: Path) -> Climbed | None:
    """Fit what is trained; None where a rung is missing. Trains nothing."""
    data, trials = plan.base.data, out / "trials"
    found = [[read_trial(t, data, trials) for t in rung.trials] for rung in plan.rungs]
    whole = [[one for one in results if one] for results in found]
    if any(len(a) < len(b) for a, b in zip(whole, found, strict=True)):
        return None
    losses = [[one.loss for one in results if one.loss] for results in whole]
    measured = Rungs(
        tuple(rung.flops for rung in plan.rungs),
        tuple(fmean(values) for values in losses),
        pooled_relative_sd(losses),
        len(losses[0]),
    )
    fit = fit_ladder(measured, plan.target.flops)
    target = read_trial(plan.target.trials[0], data, trials)
    return Climbed(
        plan, tuple(map(tuple, whole)), fit, target, _is_predicted(plan, out)
    )


def ladder_json(climbed: Climbed) -> dict[str, Any]:
    """Everything that a ladder found; no clock."""
    fit, plan = climbed.fit, climbed.plan
    return {
        "base": plan.base.name,
        "fingerprint": plan.fingerprint,
        "tokens_per_parameter": plan.tokens_per_parameter,
        "law": {
            "form": "loss = floor + amplitude (flops / reference_flops)^-exponent",
            "floor": fit.law.floor,
            "amplitude": fit.law.amplitude,
            "exponent": fit.law.exponent,
            "reference_flops": fit.law.reference_flops,
            "exponent_interval": list(fit.exponent),
            "floor_interval": list(fit.floor),
            "scatter_frac": fit.scatter_frac,
            "widened": fit.widened,
        },
        "rungs": [
            _rung_json(rung, results)
            for rung, results in zip(plan.rungs, climbed.results, strict=True)
        ],
        "prediction": _prediction_json(climbed),
        "target": _target_json(climbed),
    }


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
) -> Rung:
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
    return Rung(format_shape(model), trials)


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
    rates = ADAM_RATES + (("matrix_lr",) if train.optimizer == "adamw" else ())
    factor = (model.d_model / goal.d_model) ** WIDTH_POWER
    rows = max(1, round(train.batch_size * share**BATCH_POWER))
    return {
        "batch_size": rows,
        **{key: getattr(train, key) * factor for key in rates},
    }


def _check(rungs: Sequence[Rung], target: Rung) -> None:
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


def _write_prediction(climbed: Climbed, out: Path) -> None:
    """Write the prediction, unless the one that stands is this one."""
    if _is_predicted(climbed.plan, out):
        return
    before = climbed.target is None
    content = {**_prediction_json(climbed), "before_the_target_was_trained": before}
    write_json(out / PREDICTION, content)


def _is_predicted(plan: LadderPlan, out: Path) -> bool:
    path = out / PREDICTION
    if not path.exists():
        return False
    found: Mapping[str, Any] = read_json(path)
    return (
        found.get("fingerprint") == plan.fingerprint
        and found.get("before_the_target_was_trained") is True
    )


def _prediction_json(climbed: Climbed) -> dict[str, Any]:
    forecast, factor = climbed.fit.forecast, climbed.bits_per_nat
    target = climbed.plan.target.trials[0]
    return {
        "fingerprint": climbed.plan.fingerprint,
        "target": climbed.plan.target.label,
        "flops": forecast.flops,
        "n_multiplied": count_multiplied(target.model),
        "tokens": target.train.total_tokens,
        "loss": forecast.loss,
        "low": forecast.low,
        "high": forecast.high,
        "bits_per_byte": forecast.loss * factor,
        "bits_per_byte_low": forecast.low * factor,
        "bits_per_byte_high": forecast.high * factor,
        "compute_beyond_rungs": forecast.flops / climbed.plan.rungs[-1].flops,
    }


def _rung_json(rung: Rung, results: Sequence[TrialResult]) -> dict[str, Any]:
    first = results[0]
    return {
        "shape": rung.label,
        "n_parameters": first.n_parameters,
        "n_multiplied": first.n_multiplied,
        "tokens": first.tokens,
        "tokens_per_step": rung.trials[0].train.tokens_per_step,
        "flops": first.flops,
        "loss": [result.loss for result in results],
        "bits_per_byte": [result.bits_per_byte for result in results],
        "trials": [result.key for result in results],
    }


def _target_json(climbed: Climbed) -> dict[str, Any] | None:
    if climbed.target is None:
        return None
    loss = climbed.target.loss
    expected = climbed.fit.forecast.loss
    return {
        "trial": climbed.target.key,
        "loss": loss,
        "bits_per_byte": climbed.target.bits_per_byte,
        "error_frac": None if loss is None else loss / expected - 1,
        "within_interval": climbed.within,
        "predicted_before_trained": climbed.predicted_first,
        "finite": loss is not None and math.isfinite(loss),
    }
