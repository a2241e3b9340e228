"""Laws of the scaling law: what is there is found, what is not known is said."""

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.pipeline.scaling_fit import Rungs, ScalingLaw, fit_ladder, fit_law

TRUE = ScalingLaw(1.2, 2.1, 0.21, 1e14)
FLOPS = tuple(float(c) for c in np.geomspace(1e13, 4e14, 6))
TARGET = 1.6e15
DRAWS = 150


def losses(noise=0.0, seed=0):
    chance = np.random.default_rng(seed)
    return tuple(TRUE.loss(c) * (1 + noise * chance.standard_normal()) for c in FLOPS)


def test_a_law_without_noise_is_found():
    law = fit_law(FLOPS, losses())
    for flops in (*FLOPS, TARGET):
        assert law.loss(flops) == pytest.approx(TRUE.loss(flops), rel=1e-3)
    assert law.exponent == pytest.approx(0.21, rel=0.02)


def test_one_bad_rung_does_not_bend_the_law():
    bad = list(losses())
    bad[2] *= 1.05
    law = fit_law(FLOPS, bad)
    assert law.loss(TARGET) == pytest.approx(TRUE.loss(TARGET), rel=5e-3)


def test_neither_floor_nor_amplitude_is_negative():
    falling = [3.0 - 0.1 * i for i in range(6)]  # faster than any law with a floor
    rising = [3.0 + 0.1 * i for i in range(6)]
    for values in (falling, rising):
        law = fit_law(FLOPS, values)
        assert law.floor >= 0 and law.amplitude >= 0


def test_the_interval_covers_the_target_about_as_often_as_it_says():
    chance, inside, noise = np.random.default_rng(1), 0, 0.004
    for seed in range(24):
        fit = fit_ladder(
            Rungs(FLOPS, losses(noise, seed)), TARGET, seed=seed, n_resamples=60
        )
        reached = TRUE.loss(TARGET) * (1 + noise * chance.standard_normal())
        inside += fit.forecast.holds(reached)
    assert inside >= 20


def test_the_interval_grows_with_the_noise_and_with_the_distance():
    def width(noise, target):
        fit = fit_ladder(Rungs(FLOPS, losses(noise, 3)), target, n_resamples=DRAWS)
        return fit.forecast.high - fit.forecast.low

    assert width(0.0005, TARGET) < width(0.005, TARGET) < width(0.005, 100 * TARGET)


def test_seeds_that_scatter_widen_what_the_rungs_alone_would_say():
    rungs = losses()
    alone = fit_ladder(Rungs(FLOPS, rungs), TARGET, n_resamples=DRAWS).forecast
    seeds = Rungs(FLOPS, rungs, seed_sd_frac=0.01, n_seeds=2)
    wider = fit_ladder(seeds, TARGET, n_resamples=DRAWS).forecast
    assert wider.high - wider.low > 2 * (alone.high - alone.low)


def test_a_ladder_that_misses_its_own_rung_says_so_and_widens():
    bent = list(losses(0.0005, 5))
    bent[-1] *= 0.9  # far below what the rungs before it say
    fit = fit_ladder(Rungs(FLOPS, tuple(bent)), TARGET, n_resamples=DRAWS)
    forecast, measured = fit.backtests[-1]
    assert not forecast.holds(measured) and fit.widened > 1


def test_the_same_rungs_give_the_same_forecast():
    rungs = Rungs(FLOPS, losses(0.003, 2))
    first, second = (fit_ladder(rungs, TARGET, n_resamples=DRAWS) for _ in range(2))
    assert first == second


def test_the_band_ends_at_the_target():
    fit = fit_ladder(Rungs(FLOPS, losses(0.002, 4)), TARGET, n_resamples=DRAWS)
    assert fit.band[0].flops == pytest.approx(FLOPS[0])
    assert fit.band[-1].flops == pytest.approx(TARGET)
    assert fit.band[-1].low == pytest.approx(fit.forecast.low)


def test_three_rungs_cannot_disagree_and_are_refused():
    with pytest.raises(UserError, match="4 rungs or more, not 3"):
        fit_ladder(Rungs(FLOPS[:3], losses()[:3]), TARGET)
