"""Differences between trials that share a seed: their mean, and Student's interval.

Trials with one seed see the same rows in the same order and begin with the same weights
where their shapes are the same; what a seed does to both cancels in their difference.
With S seeds the interval is mean ± t(S - 1) · sd / sqrt(S) (Student 1908): honest for
three seeds, where a bootstrap could only draw three numbers again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from scratchlm.base.statistics import LEVEL, Interval

_ANGLES = 20_001


def paired_t_interval(
    values: Sequence[float], others: Sequence[float], level: float = LEVEL
) -> Interval:
    """Interval of the mean of `values - others`, both (S,) by the same seeds.

    One seed gives a difference and no interval (bounds nan).
    """
    differences = np.asarray(values, np.float64) - np.asarray(others, np.float64)
    n, mean = len(differences), float(differences.mean())
    if n < 2:
        return Interval(mean, math.nan, math.nan, n)
    half = t_quantile(n - 1, level) * float(differences.std(ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n)


@cache
def t_quantile(freedom: int, level: float = LEVEL) -> float:
    """How many standard errors hold a share `level` around the mean.

    With x = sqrt(freedom) tan(angle) Student's density becomes cos^(freedom - 1), which
    is summed from the middle outwards. `t_quantile(2) == 4.303` (to three decimals).
    """
    assert freedom >= 1
    angles = np.linspace(0.0, math.pi / 2, _ANGLES)
    density = np.cos(angles) ** (freedom - 1)
    inside = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    angle = float(np.interp(level, inside / inside[-1], angles))
    return math.sqrt(freedom) * math.tan(angle)


def pooled_relative_sd(groups: Sequence[Sequence[float]]) -> float | None:
    """Spread around the mean of one's group, relative to it; None of single values."""
    squares = freedom = 0.0
    for group in groups:
        if len(group) > 1:
            relative = np.asarray(group, np.float64) / np.mean(group) - 1
            squares += float((relative**2).sum())
            freedom += len(group) - 1
    return math.sqrt(squares / freedom) if freedom else None
