"""Laws of time and cost."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.plan import (
    estimate_cost,
    estimate_training_flops,
    estimate_training_time_s,
    mfu_frac,
    preset,
)
from scratchlm.plan.flops import estimate_muon_flops
from scratchlm.plan.time import estimate_tokens

CONFIG = preset("depth-6")


def test_time_is_arithmetic_over_rate():
    flops = estimate_training_flops(CONFIG)
    assert estimate_training_time_s(CONFIG, 1000, flops) == 1000
    assert estimate_training_time_s(CONFIG, 1000, flops, n_gpus=4) == 250


def test_muon_adds_its_iterations_once_a_step():
    plain = estimate_training_time_s(CONFIG, 4096, 1e9)
    muon = estimate_training_time_s(CONFIG, 4096, 1e9, tokens_per_step=2048, muon=True)
    assert muon - plain == pytest.approx(2 * estimate_muon_flops(CONFIG) / 1e9)


def test_tokens_that_fit_take_the_time_they_were_given():
    tokens = estimate_tokens(CONFIG, 123.0, 5e10)
    assert estimate_training_time_s(CONFIG, tokens, 5e10) == pytest.approx(123.0)


def test_two_gpus_for_half_an_hour_cost_one_gpu_hour():
    assert estimate_cost(1800, 2, 3.5) == 3.5


def test_a_device_at_its_peak_has_an_mfu_of_one():
    flops = estimate_training_flops(CONFIG)
    assert mfu_frac(CONFIG, 8700, 8700 * flops) == 1


@pytest.mark.parametrize(("rate", "n_gpus"), [(0, 1), (-1, 1), (1e9, 0)])
def test_a_rate_of_nothing_is_refused(rate, n_gpus):
    with pytest.raises(UserError, match="positive rate"):
        estimate_training_time_s(CONFIG, 1000, rate, n_gpus=n_gpus)
