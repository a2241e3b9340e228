"""The ladder: small models by compute, a law through them, a prediction, its proof.

    scratchlm ladder laptop --seeds 2            trains the rungs and predicts
    scratchlm ladder laptop --seeds 2 --check    then trains the target and compares

`prediction.json` is written before the target is trained and never changed after that;
if the rungs are others by then, it says so.
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
from scratchlm.base.progress import SILENT, Progress
from scratchlm.pipeline.ladder_plan import LadderPlan, LadderRung
from scratchlm.pipeline.scaling_fit import Fit, Rungs, fit_ladder
from scratchlm.pipeline.trial import TrialResult, finish_trial, read_trial
from scratchlm.pipeline.trial_statistics import pooled_relative_sd
from scratchlm.plan.parameters import count_multiplied

PREDICTION = "prediction.json"


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


def climb_ladder(plan: LadderPlan, out: Path, progress: Progress = SILENT) -> Climbed:
    """Train the rungs, small to large, fit the law, and write the prediction.

    Raises:
        UserError: a rung's loss blew up, or it could not run.
    """
    trials = [(rung, trial) for rung in plan.rungs for trial in rung.trials]
    for number, (rung, trial) in enumerate(trials, 1):
        result = finish_trial(trial, plan.base.data, out / "trials", progress)
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
    result = finish_trial(
        plan.target.trials[0], plan.base.data, out / "trials", progress
    )
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


def _rung_json(rung: LadderRung, results: Sequence[TrialResult]) -> dict[str, Any]:
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
