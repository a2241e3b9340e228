"""Laws of differences by seed."""

import math

import numpy as np
import pytest

from scratchlm.pipeline.trial_statistics import (
    paired_t_interval,
    pooled_relative_sd,
    t_quantile,
)


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.706), (2, 4.303), (4, 2.776), (30, 2.042)]
)
def test_quantiles_are_those_of_students_table(freedom, expected):
    assert t_quantile(freedom) == pytest.approx(expected, abs=1e-3)


def test_with_much_freedom_it_is_the_normal_quantile():
    assert t_quantile(100_000) == pytest.approx(1.95996, abs=1e-3)


def test_what_both_share_by_seed_cancels():
    base = np.array([1.0, 2.0, 3.0])
    shifted = paired_t_interval(base - 0.1, base)
    assert shifted.value == pytest.approx(-0.1)
    assert shifted.high - shifted.low < 1e-12 and shifted.excludes_zero


def test_an_interval_covers_the_truth_as_often_as_it_says():
    chance = np.random.default_rng(0)
    inside = 0
    for _ in range(1000):
        found = paired_t_interval(chance.normal(0.3, 1, 3), np.zeros(3))
        inside += found.low <= 0.3 <= found.high
    assert 930 <= inside <= 970


def test_one_seed_gives_a_difference_and_no_interval():
    found = paired_t_interval([1.0], [1.5])
    assert found.value == -0.5 and math.isnan(found.low) and not found.excludes_zero


def test_spread_is_taken_around_each_groups_own_mean():
    assert pooled_relative_sd([[1.0, 1.0], [5.0, 5.0]]) == 0.0
    assert pooled_relative_sd([[0.9, 1.1]]) == pytest.approx(math.sqrt(0.02))
    assert pooled_relative_sd([[1.0], [2.0]]) is None
