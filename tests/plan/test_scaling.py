"""Laws of the scaling rules, against the numbers their sources print."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.plan import (
    effective_tokens,
    epoch_warning,
    estimate_training_flops,
    optimal_parameters,
    optimal_shape,
    optimal_tokens_per_step,
    plan_training,
)
from scratchlm.plan.parameters import count_multiplied


def test_chinchilla_was_trained_at_its_own_optimum():
    # 5.76e23 FLOP: about 70 billion parameters on 20 tokens each
    assert optimal_parameters(5.76e23) == pytest.approx(70e9, rel=0.02)
    assert optimal_parameters(120e12) == 1e6


@pytest.mark.parametrize(("epochs", "worth"), [(4, 3.73), (8, 6.6), (16, 10.6)])
def test_repeated_text_is_worth_what_the_paper_says(epochs, worth):
    assert effective_tokens(1.0, epochs) == pytest.approx(worth, abs=0.05)


@given(st.floats(0.01, 1000), st.floats(0.01, 1000))
def test_more_epochs_are_never_worth_less_nor_more_than_fresh_text(one, other):
    few, many = sorted((one, other))
    assert effective_tokens(7.0, few) <= effective_tokens(7.0, many) <= 7.0 * 16.4
    assert effective_tokens(7.0, few) <= 7.0 * few * (1 + 1e-12)


def test_four_epochs_pass_and_five_warn():
    assert epoch_warning(4e6, 1e6) is None
    warning = epoch_warning(5e6, 1e6)
    assert warning is not None
    assert "the text is the limit" in warning
    assert "5.0 epochs" in warning


def test_the_measured_recipe_keeps_its_batch():
    assert optimal_tokens_per_step(3.5e6, 192, 256) == 2048
    assert optimal_tokens_per_step(3.5e6, 256, 256) == 2048


@given(st.floats(1e4, 1e13), st.integers(1, 64), st.integers(1, 4096))
def test_a_step_is_whole_rows_and_enough_for_muon(tokens, width, context):
    per_step = optimal_tokens_per_step(tokens, 64 * width, context)
    assert per_step % context == 0
    assert per_step >= 8 * 64 * width


def test_the_chosen_shape_is_the_nearest_in_ratio():
    wanted = 3.4e6
    chosen = count_multiplied(optimal_shape(wanted))
    assert max(chosen / wanted, wanted / chosen) < 1.3


def test_enough_text_is_trained_on_at_the_compute_optimum():
    plan = plan_training(2e14)
    assert plan.epochs is None
    assert plan.warning is None
    assert count_multiplied(plan.model) == pytest.approx(math.sqrt(2e14 / 120), rel=0.5)
    assert 0.9 < plan.flops / 2e14 <= 1


def test_ten_minutes_on_the_standard_library_choose_the_measured_width():
    plan = plan_training(2e14, 2_400_000)
    assert plan.model.d_model == 192
    assert plan.epochs == pytest.approx(4, abs=0.5)


@given(st.floats(1e11, 1e18), st.integers(10_000, 10**9))
def test_no_plan_exceeds_its_budget_or_four_epochs(budget, unique):
    plan = plan_training(budget, unique)
    single_step = plan.tokens == plan.tokens_per_step
    assert plan.flops == plan.tokens * estimate_training_flops(plan.model)
    assert plan.flops <= budget * (1 + 1e-9) or single_step
    assert plan.epochs is not None
    assert plan.epochs <= 4 + 1e-9 or single_step


def test_little_text_and_much_time_spend_less_and_say_why():
    plan = plan_training(1e18, 100_000)
    assert plan.warning is not None
    assert plan.flops < 1e18 / 2


def test_every_decision_is_given_a_reason():
    assert len(plan_training(2e14, 2_400_000).reasons) == 5
