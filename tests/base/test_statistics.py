import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.base.statistics import (
    bootstrap_mean_interval,
    bootstrap_ratio_interval,
    finite,
    paired_bootstrap_interval,
)

VALUES = st.lists(st.floats(-100, 100), min_size=2, max_size=30)


@settings(max_examples=30, deadline=None)
@given(VALUES)
def test_an_interval_lies_within_the_values_and_is_ordered(values):
    interval = bootstrap_mean_interval(values, n_resamples=200)
    assert interval.value == pytest.approx(float(np.mean(values)), abs=1e-9)
    slack = 1e-9 * max(1.0, max(map(abs, values)))
    assert min(values) - slack <= interval.low <= interval.high
    assert interval.high <= max(values) + slack


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    values = np.random.default_rng(3).normal(size=50)
    first = bootstrap_mean_interval(values, seed=7)
    assert first == bootstrap_mean_interval(values, seed=7)
    assert first != bootstrap_mean_interval(values, seed=8)


def test_the_interval_of_normal_values_is_close_to_the_textbook_formula():
    values = np.random.default_rng(0).normal(10, 3, size=400)
    interval = bootstrap_mean_interval(values)
    half = 1.96 * values.std(ddof=1) / math.sqrt(len(values))
    assert interval.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_ninety_five_of_a_hundred_intervals_hold_the_truth():
    rng = np.random.default_rng(1)
    held = 0
    for seed in range(200):
        sample = rng.normal(2.0, 1.0, size=60)
        interval = bootstrap_mean_interval(sample, seed=seed, n_resamples=400)
        held += interval.low <= 2.0 <= interval.high
    assert 180 <= held <= 199


def test_pairing_sees_a_small_difference_that_two_separate_intervals_hide():
    rng = np.random.default_rng(2)
    difficulty = rng.normal(0, 5, size=100)
    worse = difficulty + rng.normal(0, 0.1, size=100)
    better = difficulty + 0.2 + rng.normal(0, 0.1, size=100)
    apart = bootstrap_mean_interval(better), bootstrap_mean_interval(worse)
    assert apart[0].low < apart[1].high
    paired = paired_bootstrap_interval(better, worse)
    assert paired.excludes_zero and 0.1 < paired.low < paired.high < 0.3


def test_repeating_an_item_within_its_group_adds_no_certainty():
    values = np.random.default_rng(4).normal(size=40)
    labels = list(range(40))
    once = bootstrap_mean_interval(values, groups=labels)
    repeated = bootstrap_mean_interval(np.tile(values, 5), groups=labels * 5)
    careless = bootstrap_mean_interval(np.tile(values, 5))
    assert repeated.low == pytest.approx(once.low)
    assert repeated.high == pytest.approx(once.high)
    assert repeated.n == 200
    assert careless.high - careless.low < 0.6 * (once.high - once.low)


def test_a_ratio_weighs_documents_by_their_size():
    interval = bootstrap_ratio_interval([10.0, 1.0], [100.0, 1.0])
    assert interval.value == pytest.approx(11 / 101)
    assert interval.low == pytest.approx(0.1) and interval.high == pytest.approx(1.0)


def test_rounding_errors_are_no_difference():
    values = np.full(20, 0.1)
    assert not paired_bootstrap_interval(values + 1e-15, values).excludes_zero
    assert paired_bootstrap_interval(values + 1e-5, values).excludes_zero
    assert paired_bootstrap_interval(values - 1e-5, values).excludes_zero


def test_large_samples_are_resampled_in_parts_without_changing_their_count():
    values = np.random.default_rng(5).normal(size=30_000)
    interval = bootstrap_mean_interval(values, n_resamples=300)
    half = 1.96 / math.sqrt(len(values))
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.15)


@pytest.mark.parametrize("values", [[], [3.0]])
def test_one_item_or_none_has_no_interval_and_stays_valid_json(values):
    interval = bootstrap_mean_interval(values)
    assert math.isnan(interval.low) and math.isnan(interval.high)
    assert not interval.excludes_zero
    row = json.loads(json.dumps(interval.as_json(), allow_nan=False))
    assert row["low"] is None and row["n"] == len(values)


def test_numbers_for_files_are_rounded_and_never_infinite():
    assert finite(1 / 3) == 0.333333
    assert finite(math.inf) is None and finite(math.nan) is None
