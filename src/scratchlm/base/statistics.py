"""Intervals by the bootstrap: how far a mean would move on other questions.

A figure on 200 questions is a sample. Its interval is found by drawing the same
number of questions again with replacement, thousands of times, and cutting off the
outer 2.5 % on both sides (Efron 1979, the percentile bootstrap). Two systems that
answered the same questions are compared by the interval of their paired difference,
which is much narrower than two separate intervals suggest.

Items that stand or fall together (several forms of one question) are drawn together:
pass their common label in ``groups``. Everything is seeded, so that a figure never
changes between two runs on the same answers.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL = 0.95
N_RESAMPLES = 4000
_ROUNDING = 5e-7  # six decimals are written; less than that is no difference
_CHUNK_CELLS = 4_000_000  # resampling counts held at once: 32 MB


@dataclass(frozen=True)
class Interval:
    """A value with its bootstrap interval; the bounds are nan below two groups."""

    value: float
    low: float
    high: float
    n: int

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval, as written, lies on one side of zero."""
        return self.low > _ROUNDING or self.high < -_ROUNDING

    def as_json(self) -> dict[str, float | int | None]:
        """Rounded to six decimals, with None where there is no number."""
        return {
            "value": finite(self.value),
            "low": finite(self.low),
            "high": finite(self.high),
            "n": self.n,
        }


def bootstrap_mean_interval(
    values: Sequence[float] | Floats,
    *,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """Interval of the mean of ``values`` (n,), drawn by group where there are any."""
    array = np.asarray(values, dtype=np.float64)
    sums, counts = _group_sums(array, groups)
    interval = bootstrap_ratio_interval(
        sums, counts, seed=seed, n_resamples=n_resamples, level=level
    )
    return Interval(interval.value, interval.low, interval.high, len(array))


def paired_bootstrap_interval(
    values: Sequence[float] | Floats,
    others: Sequence[float] | Floats,
    *,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """Interval of the mean of ``values - others``, both (n,) on the same items."""
    first = np.asarray(values, dtype=np.float64)
    second = np.asarray(others, dtype=np.float64)
    assert first.shape == second.shape, "paired values belong to the same items"
    return bootstrap_mean_interval(
        first - second, groups=groups, seed=seed, n_resamples=n_resamples, level=level
    )


def bootstrap_ratio_interval(
    numerators: Sequence[float] | Floats,
    denominators: Sequence[float] | Floats,
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """Interval of sum(numerators) / sum(denominators), both (n,), drawn together.

    Bits per byte is such a ratio: bits and bytes of a document are drawn as one.
    """
    over = np.asarray(numerators, dtype=np.float64)
    under = np.asarray(denominators, dtype=np.float64)
    assert over.shape == under.shape and over.ndim == 1
    if len(over) == 0 or under.sum() == 0:
        return Interval(math.nan, math.nan, math.nan, len(over))
    value = float(over.sum() / under.sum())
    if len(over) == 1:
        return Interval(value, math.nan, math.nan, 1)
    ratios = _resampled_ratios(over, under, np.random.default_rng(seed), n_resamples)
    tail = (1 - level) / 2
    low, high = np.nanquantile(ratios, [tail, 1 - tail])
    return Interval(value, float(low), float(high), len(over))


def finite(value: float, digits: int = 6) -> float | None:
    """``value`` rounded for a result file; None where it is nan or infinite."""
    return round(float(value), digits) if math.isfinite(value) else None


def _group_sums(
    values: Floats, groups: Sequence[Hashable] | None
) -> tuple[Floats, Floats]:
    if groups is None:
        return values, np.ones_like(values)
    assert len(groups) == len(values)
    index = {label: i for i, label in enumerate(dict.fromkeys(groups))}
    where = np.array([index[label] for label in groups], dtype=np.intp)
    counts = np.bincount(where, minlength=len(index)).astype(np.float64)
    sums = np.bincount(where, weights=values, minlength=len(index)).astype(np.float64)
    return sums, counts


def _resampled_ratios(
    over: Floats, under: Floats, rng: np.random.Generator, n_resamples: int
) -> Floats:
    n = len(over)
    rows = max(1, _CHUNK_CELLS // n)
    parts: list[Floats] = []
    for start in range(0, n_resamples, rows):
        size = min(rows, n_resamples - start)
        drawn = rng.integers(0, n, size=(size, n))
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append(over[drawn].sum(axis=1) / under[drawn].sum(axis=1))
    return np.concatenate(parts)
