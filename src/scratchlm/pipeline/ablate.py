"""Ablation: switches × seeds at equal tokens, each held against the baseline by seed.

    scratchlm ablate laptop --vary model.mlp=swiglu,relu2 --seeds 3 --tokens 2M

All variants with one seed come before the next seed: an ablation that is stopped holds
whole comparisons. Trials stand in `<out>/trials` by the hash of what they are; asking
for more seeds or more variants trains only what is new.

Writes `ablation.json` (no clock), `ablation.html` and `ablation.svg`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.statistics import Interval, finite
from scratchlm.pipeline.trial import (
    TrialConfig,
    TrialResult,
    finish_trial,
    read_speed,
    read_trial,
)
from scratchlm.pipeline.trial_base import TrialBase, build_trial
from scratchlm.pipeline.trial_statistics import paired_t_interval
from scratchlm.pipeline.variants import BASELINE, Variant, flatten_settings


@dataclass(frozen=True)
class AblationPlan:
    """Which trials an ablation is made of."""

    base: TrialBase
    tokens: int
    seeds: tuple[int, ...]
    variants: tuple[Variant, ...]
    """The baseline first."""
    trials: Mapping[tuple[str, int], TrialConfig]
    """By (label, seed)."""

    @property
    def flops(self) -> float:
        """Training FLOPs of all trials."""
        return sum(config.flops for config in self.trials.values())


@dataclass(frozen=True)
class VariantResult:
    """One variant: what its trials gave, and how they differ from the baseline's."""

    variant: Variant
    follows: dict[str, Any]
    """Further settings that it has otherwise than the baseline, by dotted key."""
    results: tuple[TrialResult | None, ...]
    """By seed; None where not trained yet."""
    difference: Interval | None
    """Bits per byte against the baseline with the same seeds; None of the baseline."""
    speed_ratio: float | None
    """Tokens a second against the baseline; measured, so not in the JSON."""

    @property
    def bits_per_byte(self) -> float | None:
        """Mean over the seeds that gave a number."""
        values = [r.bits_per_byte for r in self.results if r]
        numbers = [value for value in values if value is not None]
        return fmean(numbers) if numbers else None

    @property
    def n_failed(self) -> int:
        """Trials whose loss blew up."""
        return sum(1 for result in self.results if result and result.failure)

    @property
    def verdict(self) -> str:
        """The comparison in a word or two."""
        if self.n_failed:
            return f"blew up ({self.n_failed} of {len(self.results)})"
        if self.difference is None:
            return "baseline" if self.variant is BASELINE else "not trained"
        if math.isnan(self.difference.low):
            return "one seed"
        if not self.difference.excludes_zero:
            return "unclear"
        return "better" if self.difference.value < 0 else "worse"


@dataclass(frozen=True)
class Ablation:
    """What an ablation has found so far."""

    plan: AblationPlan
    rows: tuple[VariantResult, ...]
    """The baseline, then the variants as they were asked for."""

    @property
    def n_done(self) -> int:
        """Trials that are finished."""
        return sum(1 for row in self.rows for result in row.results if result)

    def as_json(self) -> dict[str, Any]:
        """Everything but the clock."""
        return {
            "base": self.plan.base.name,
            "data": self.plan.base.data.fingerprint,
            "tokens": self.plan.tokens,
            "seeds": list(self.plan.seeds),
            "measure": "bits per byte of held-out rows; lower is better",
            "interval": "95 %, Student's t over differences by seed",
            "trials_done": self.n_done,
            "trials_asked": len(self.plan.trials),
            "variants": [_row_json(row) for row in self.rows],
        }


def plan_ablation(
    base: TrialBase,
    variants: Sequence[Variant],
    tokens: int,
    n_seeds: int,
    heldout_tokens: int | None = None,
) -> AblationPlan:
    """Build every trial; a variant that is the baseline itself is left out.

    Raises:
        UserError: an unknown or impossible setting, before anything is trained.
    """
    first = base.said.get("train", {}).get("seed", 0)
    seeds = tuple(range(first, first + n_seeds))
    trials: dict[tuple[str, int], TrialConfig] = {}
    kept: list[Variant] = []
    for variant in (BASELINE, *variants):
        made = [
            build_trial(base, tokens, seed, variant.settings, heldout_tokens)
            for seed in seeds
        ]
        if kept and made[0] == trials[BASELINE.label, seeds[0]]:
            continue
        kept.append(variant)
        trials |= {
            (variant.label, seed): config
            for seed, config in zip(seeds, made, strict=True)
        }
    return AblationPlan(base, tokens, seeds, tuple(kept), trials)


def run_ablation(
    plan: AblationPlan, out: Path, progress: Progress = SILENT
) -> Ablation:
    """Train what is not trained yet, seed by seed, and compare.

    Raises:
        UserError: a trial could not run; those before it are kept.
    """
    total = len(plan.trials)
    order = [(v.label, seed) for seed in plan.seeds for v in plan.variants]
    for number, (label, seed) in enumerate(order, 1):
        config, trials = plan.trials[label, seed], out / "trials"
        known = read_trial(config, plan.base.data, trials)
        result = known or finish_trial(config, plan.base.data, trials, progress)
        progress.note(
            f"  {number}/{total}  {label}, seed {seed}: {_said(result)}"
            + (" (known)" if known else "")
        )
    return collect_ablation(plan, out)


def collect_ablation(plan: AblationPlan, out: Path) -> Ablation:
    """Read what is finished and compare it; trains nothing."""
    results = {
        place: read_trial(config, plan.base.data, out / "trials")
        for place, config in plan.trials.items()
    }
    rows = [_compare(plan, variant, results, out) for variant in plan.variants]
    return Ablation(plan, tuple(rows))


def _compare(
    plan: AblationPlan,
    variant: Variant,
    results: Mapping[tuple[str, int], TrialResult | None],
    out: Path,
) -> VariantResult:
    own = [results[variant.label, seed] for seed in plan.seeds]
    base = [results[BASELINE.label, seed] for seed in plan.seeds]
    pairs = [(a, b) for a, b in zip(own, base, strict=True) if a and b]
    bits = [(a.bits_per_byte, b.bits_per_byte) for a, b in pairs]
    both = [(x, y) for x, y in bits if x is not None and y is not None]
    difference = None
    if both and variant is not BASELINE:
        difference = paired_t_interval([x for x, _ in both], [y for _, y in both])
    speeds = [_speed_ratio(a, b, out / "trials") for a, b in pairs]
    known = [math.log(ratio) for ratio in speeds if ratio]
    return VariantResult(
        variant,
        _follows(plan, variant),
        tuple(own),
        difference,
        math.exp(fmean(known)) if known else None,
    )


def _follows(plan: AblationPlan, variant: Variant) -> dict[str, Any]:
    own, base = (
        flatten_settings(plan.trials[label, plan.seeds[0]].model_dump(mode="json"))
        for label in (variant.label, BASELINE.label)
    )
    said = flatten_settings(variant.settings)
    return {
        key: value
        for key, value in own.items()
        if key not in said and value != base.get(key)
    }


def _speed_ratio(own: TrialResult, base: TrialResult, trials: Path) -> float | None:
    first, second = (read_speed(trials, result.key) for result in (own, base))
    return first / second if first and second else None


def _row_json(row: VariantResult) -> dict[str, Any]:
    done = [result for result in row.results if result]
    first = done[0] if done else None
    value = row.bits_per_byte
    return {
        "label": row.variant.label,
        "settings": flatten_settings(row.variant.settings),
        "follows": row.follows,
        "n_parameters": first.n_parameters if first else None,
        "flops": first.flops if first else None,
        "tokens": first.tokens if first else None,
        "trials": [result.key if result else None for result in row.results],
        "bits_per_byte": [r.bits_per_byte if r else None for r in row.results],
        "mean": None if value is None else finite(value),
        "difference": row.difference.as_json() if row.difference else None,
        "verdict": row.verdict,
    }


def _said(result: TrialResult) -> str:
    if result.bits_per_byte is None:
        return f"blew up ({result.failure})"
    return f"{result.bits_per_byte:.4f} bits per byte"
