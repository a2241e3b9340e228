"""A scaling law from a few small models, and how far to believe it.

    L(C) = E + A (C / C0)^-alpha        (Kaplan et al. 2020; Hoffmann et al. 2022)

with L the held-out loss, C the training FLOPs, and C0 the geometric mean of what was
measured. For each alpha of a grid, E and A follow from weighted least squares; the sum
of Huber's losses of the relative residuals chooses alpha, so that one bad rung does not
bend the law. E and A are never negative.

The interval is a parametric bootstrap. The spread of the rungs around the law, with the
freedom that three fitted numbers leave it, or the spread of the seeds where that is
larger, says how far losses scatter; five hundred ladders are drawn with that scatter
(itself drawn from its chi-square), fitted anew, and asked for the target, whose own
scatter is added. Last, the ladder is held against itself: each rung from the fifth on
is predicted from those below it, and if one lies further out than its interval, the
interval is widened by as much.

Axes: N rungs, G values of alpha, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.errors import UserError

Floats = NDArray[np.float64]

ALPHAS = np.geomspace(0.01, 1.5, 40)
"""Exponents that are tried; language models lie between 0.03 and 0.5."""
FINE = 21
"""Exponents between two of those, in a second look."""
HUBER = 3e-3
"""Relative residual from which a point counts less than its square."""
ROUNDS = 5
"""Rounds of reweighting."""
LEAST_RUNGS = 4
"""Three numbers are fitted: a fourth rung is the first that can disagree."""
N_RESAMPLES = 500
LEVEL = 0.95
BAND_POINTS = 40


@dataclass(frozen=True)
class ScalingLaw:
    """L(C) = floor + amplitude (C / reference_flops)^-exponent, in nats a token."""

    floor: float
    amplitude: float
    exponent: float
    reference_flops: float

    def loss(self, flops: float) -> float:
        """Loss at a compute of so many FLOPs."""
        fraction: float = (flops / self.reference_flops) ** -self.exponent
        return self.floor + self.amplitude * fraction


@dataclass(frozen=True)
class Rungs:
    """What a ladder measured: (N,) each, compute rising."""

    flops: tuple[float, ...]
    losses: tuple[float, ...]
    """Means over the seeds."""
    seed_sd_frac: float | None = None
    """Spread of single trials around their rung's mean, relatively."""
    n_seeds: int = 1

    def below(self, count: int) -> Rungs:
        """The lowest rungs alone."""
        return Rungs(
            self.flops[:count], self.losses[:count], self.seed_sd_frac, self.n_seeds
        )


@dataclass(frozen=True)
class Forecast:
    """The loss that a law expects at some compute, with a 95 % interval."""

    flops: float
    loss: float
    low: float
    high: float

    def holds(self, loss: float) -> bool:
        """Whether a measured loss lies within the interval."""
        return self.low <= loss <= self.high


@dataclass(frozen=True)
class Fit:
    """A law, the interval of its numbers, and what it says elsewhere."""

    law: ScalingLaw
    exponent: tuple[float, float]
    """95 % interval."""
    floor: tuple[float, float]
    """95 % interval."""
    scatter_frac: float
    """Relative spread of losses around the law, one standard deviation."""
    forecast: Forecast
    band: tuple[Forecast, ...]
    """Forecasts over the whole range, for a drawing."""
    backtests: tuple[tuple[Forecast, float], ...]
    """Rungs predicted from those below them, and what they measured."""
    widened: float
    """How many times the interval was widened by what the backtests missed."""


def fit_ladder(
    rungs: Rungs, target_flops: float, *, seed: int = 0, n_resamples: int = N_RESAMPLES
) -> Fit:
    """Fit a law and forecast the loss at a larger compute.

    Raises:
        UserError: fewer than four rungs.
    """
    drawn = _draw(rungs, seed, n_resamples)
    raw = drawn.forecast(target_flops)
    tests = tuple(
        (_draw(rungs.below(n), seed, n_resamples).forecast(rungs.flops[n]), loss)
        for n, loss in enumerate(rungs.losses)
        if n >= LEAST_RUNGS
    )
    widened = max([1.0, *(_missed_by(f, loss) for f, loss in tests)])
    ends = np.geomspace(rungs.flops[0], max(target_flops, rungs.flops[-1]), BAND_POINTS)
    band = [_widen(drawn.forecast(float(flops)), widened) for flops in ends]
    return Fit(
        law=drawn.law,
        exponent=_quantiles(drawn.alphas),
        floor=_quantiles(drawn.floors),
        scatter_frac=drawn.scatter,
        forecast=_widen(raw, widened),
        band=tuple(band),
        backtests=tests,
        widened=widened,
    )


def fit_law(flops: Sequence[float], losses: Sequence[float]) -> ScalingLaw:
    """The law that runs through some points, (N,) each, N at least three."""
    reference = float(np.exp(np.mean(np.log(flops))))
    floors, amplitudes, alphas = _fit(_places(flops, reference), np.array([losses]))
    return ScalingLaw(
        float(floors[0]), float(amplitudes[0]), float(alphas[0]), reference
    )


@dataclass(frozen=True)
class _Drawn:
    """A law and its resamples, (R,) each."""

    law: ScalingLaw
    floors: Floats
    amplitudes: Floats
    alphas: Floats
    noise: Floats
    """Relative scatter of one more trial in each resample."""
    scatter: float

    def forecast(self, flops: float) -> Forecast:
        place = np.log(flops / self.law.reference_flops)
        losses = self.floors + self.amplitudes * np.exp(-self.alphas * place)
        low, high = _quantiles(losses * (1 + self.noise))
        middle = self.law.loss(flops)
        return Forecast(flops, middle, min(low, middle), max(high, middle))


def _draw(rungs: Rungs, seed: int, n_resamples: int) -> _Drawn:
    n = len(rungs.flops)
    if n < LEAST_RUNGS:
        raise UserError(
            f"a law of three numbers needs {LEAST_RUNGS} rungs or more, not {n}"
        )
    law = fit_law(rungs.flops, rungs.losses)
    fitted = np.array([law.loss(flops) for flops in rungs.flops])
    residuals = np.array(rungs.losses) / fitted - 1
    freedom = n - 3
    scatter = float(np.sqrt((residuals**2).sum() / freedom))
    by_seeds = (rungs.seed_sd_frac or 0.0) / rungs.n_seeds**0.5
    if by_seeds > scatter:
        scatter, freedom = by_seeds, freedom + n * (rungs.n_seeds - 1)
    chance = np.random.default_rng(seed)
    scales = scatter * np.sqrt(freedom / chance.chisquare(freedom, n_resamples))
    scales = np.minimum(scales, 0.5)
    noise = scales[:, None] * chance.standard_normal((n_resamples, n))
    places = _places(rungs.flops, law.reference_flops)
    floors, amplitudes, alphas = _fit(places, fitted * (1 + noise))
    single = (rungs.seed_sd_frac or 0.0) ** 2 * (1 - 1 / rungs.n_seeds)
    noise_of_one = np.sqrt(scales**2 + single) * chance.standard_normal(n_resamples)
    return _Drawn(law, floors, amplitudes, alphas, noise_of_one, scatter)


def _fit(places: Floats, losses: Floats) -> tuple[Floats, Floats, Floats]:
    """Floors, amplitudes, exponents (R,) of losses (R, N) at log places (N,).

    First the whole grid of exponents, then a fine one between the best's neighbours.
    """
    *_, best = _search(places, losses, ALPHAS[None])
    step = ALPHAS[1] / ALPHAS[0]
    return _search(places, losses, best[:, None] * step ** np.linspace(-1, 1, FINE))


def _search(
    places: Floats, losses: Floats, alphas: Floats
) -> tuple[Floats, Floats, Floats]:
    """The best of exponents (R or 1, G) for each row of losses (R, N)."""
    decay = np.exp(-alphas[:, :, None] * places)  # (R or 1, G, N)
    y = losses[:, None, :]  # (R, 1, N)
    weights = np.ones((len(losses), alphas.shape[1], len(places)))
    for _ in range(ROUNDS):
        floors, amplitudes = _solve(decay, y, weights / y**2)
        residuals = np.abs((floors[..., None] + amplitudes[..., None] * decay) / y - 1)
        weights = np.minimum(1.0, HUBER / np.maximum(residuals, 1e-12))
    inside = np.minimum(residuals, HUBER)
    costs = (inside * (residuals - inside / 2)).sum(axis=-1)  # (R, G)
    best = costs.argmin(axis=1)
    rows = np.arange(len(losses))
    chosen = np.broadcast_to(alphas, costs.shape)[rows, best]
    return floors[rows, best], amplitudes[rows, best], chosen


def _solve(decay: Floats, y: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weighted least squares for y = E + A decay with E and A at least 0: (R, G)."""
    w = weights.sum(axis=-1)
    wd, wy = (weights * decay).sum(axis=-1), (weights * y).sum(axis=-1)
    wdd, wdy = (weights * decay**2).sum(axis=-1), (weights * decay * y).sum(axis=-1)
    determinant = np.maximum(w * wdd - wd**2, 1e-300)
    floors = (wdd * wy - wd * wdy) / determinant
    amplitudes = (w * wdy - wd * wy) / determinant
    amplitudes = np.where(floors < 0, wdy / wdd, amplitudes)
    floors = np.where(amplitudes < 0, wy / w, np.maximum(floors, 0.0))
    return floors, np.maximum(amplitudes, 0.0)


def _places(flops: Sequence[float], reference: float) -> Floats:
    return np.log(np.asarray(flops, dtype=np.float64) / reference)


def _quantiles(values: Floats) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def _missed_by(forecast: Forecast, loss: float) -> float:
    """Distance of a loss from its forecast, in half intervals on that side."""
    side = forecast.high if loss > forecast.loss else forecast.low
    return abs(loss - forecast.loss) / max(abs(side - forecast.loss), 1e-12)


def _widen(forecast: Forecast, times: float) -> Forecast:
    middle = forecast.loss
    low = middle - times * (middle - forecast.low)
    high = middle + times * (forecast.high - middle)
    return Forecast(forecast.flops, middle, max(low, 0.0), high)
