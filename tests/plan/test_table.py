"""Laws of the plan: its rows agree with the figures they are made of."""

import subprocess
import sys

import pytest

from scratchlm.plan import PlanConfig, plan, preset
from scratchlm.plan.memory import estimate_training_memory
from scratchlm.plan.table import GPU_SHARE, gpus_needed

SEVEN = PlanConfig(preset="7b", gpus=8, checkpointing=True)


@pytest.mark.parametrize(("stage", "fewest"), [(1, 2), (2, 2), (3, 2)])
def test_seven_billion_need_two_large_gpus_once_states_are_divided(stage, fewest):
    assert gpus_needed(SEVEN, preset("7b"), stage) == fewest


def test_undivided_seven_billion_fit_on_no_number_of_gpus():
    result = plan(SEVEN)
    assert gpus_needed(SEVEN, preset("7b"), 0) is None
    assert result["gpus_zero_0"].text == "none"
    assert "larger than one GPU" in result["gpus_zero_0"].reason


def test_seventy_billion_fit_only_when_everything_is_divided():
    config = PlanConfig(preset="70b", checkpointing=True)
    model = preset("70b")
    assert [gpus_needed(config, model, stage) for stage in range(3)] == [None] * 3
    fewest = gpus_needed(config, model, 3)
    assert fewest is not None
    room = GPU_SHARE * 80 * 2**30

    def total(n_gpus):
        return estimate_training_memory(
            model, zero_stage=3, n_gpus=n_gpus, checkpointing=True
        ).total_bytes

    assert total(fewest) <= room < total(fewest - 1)


def test_a_laptop_model_fits_anywhere():
    config = PlanConfig(preset="depth-6", gpu_memory_gib=1, zero_stage=0)
    result = plan(config)
    assert result.fits
    assert result["gpus_zero_0"].value == 1


def test_the_memory_rows_add_up():
    result = plan(SEVEN)
    parts = ("weights", "gradients", "optimizer", "activations", "logits")
    total = sum(result[f"{part}_bytes"].value for part in parts)
    assert total == result["gpu_memory_bytes"].value


def test_time_and_cost_follow_from_the_rate():
    config = PlanConfig(
        preset="7b", tokens=2e12, gpus=1000, mfu_frac=0.5, price_per_gpu_hour=2
    )
    result = plan(config)
    per_token = result["training_flops_per_token"].value
    seconds = 2e12 * per_token / (1000 * 989e12 * 0.5)
    assert result["training_time_s"].value == pytest.approx(seconds)
    assert result["cost"].value == pytest.approx(seconds / 3600 * 1000 * 2)


def test_without_a_price_there_is_no_cost():
    assert "cost" not in {row.name for row in plan(SEVEN).rows}


def test_tokens_default_to_twenty_a_parameter():
    assert plan(SEVEN)["tokens"].value == 20 * 6_738_415_616


def test_repeating_the_text_too_often_is_said():
    result = plan(PlanConfig(preset="depth-6", tokens=9e6, unique_tokens=1e6))
    assert result["epochs"].value == 9
    assert "the text is the limit" in result["epochs"].reason


def test_a_model_of_ones_own_replaces_the_preset():
    model = preset("depth-2")
    assert plan(PlanConfig(preset="70b"), model).model == model


def test_every_row_has_a_text_and_a_reason():
    for row in plan(PlanConfig(preset="1b", unique_tokens=1e10)).rows:
        assert row.text
        assert row.reason


def test_of_a_mixture_it_is_said_how_much_a_token_meets():
    row = plan(PlanConfig(preset="qwen3-30b-a3b"))["parameters"]
    assert row.value == 30_532_122_624
    assert "a token meets 3.35 G" in row.reason
    assert "meets" not in plan(SEVEN)["parameters"].reason


def test_planning_never_imports_torch():
    program = (
        "import sys; from scratchlm.plan import PlanConfig, plan, plan_training;"
        "plan(PlanConfig(preset='7b')); plan_training(1e15, 10**6);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
