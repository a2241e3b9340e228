import math

import pytest

from scratchlm.train.config import TrainConfig
from scratchlm.train.schedule import lr_frac

LEAST = {"batch_size": 1, "micro_batch_size": 1, "context_length": 1}


def rates(total_steps, **changes):
    config = TrainConfig(total_steps=total_steps, **LEAST, **changes)
    return [lr_frac(config, step) for step in range(total_steps)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [1, 1, 1, 1, 1, 1, 1, 1]),
        ({"warmup_steps": 4}, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1]),
        ({"decay_steps": 4}, [1, 1, 1, 1, 1, 0.75, 0.5, 0.25]),
        (
            {"warmup_steps": 2, "decay_steps": 2, "final_lr_frac": 0.2},
            [0.5, 1, 1, 1, 1, 1, 1, 0.6],
        ),
        (
            {"warmup_steps": 4, "decay_steps": 4},
            [0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25],
        ),
        (
            {"decay_steps": 4, "decay_shape": "sqrt"},
            [1, 1, 1, 1, 1, 0.5, 1 - math.sqrt(0.5), 1 - math.sqrt(0.75)],
        ),
        (
            {"schedule": "linear", "decay_steps": 1},
            [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125],
        ),
        (
            {"schedule": "linear", "warmup_steps": 4, "final_lr_frac": 0.2},
            [0.25, 0.5, 0.75, 1, 1, 0.8, 0.6, 0.4],
        ),
        (
            {"schedule": "cosine", "warmup_steps": 4},
            [0.25, 0.5, 0.75, 1, 1, 0.5 + math.sqrt(0.125), 0.5, 0.5 - 0.125**0.5],
        ),
    ],
)
def test_the_rates_by_hand(changes, expected):
    assert rates(8, **changes) == pytest.approx(expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"decay_steps": 30},
        {"decay_steps": 30, "decay_shape": "sqrt"},
        {"schedule": "linear"},
        {"schedule": "cosine"},
    ],
)
@pytest.mark.parametrize("final", [0.0, 0.1])
def test_rates_rise_then_fall_to_the_last_share(changes, final):
    found = rates(50, warmup_steps=10, final_lr_frac=final, **changes)
    peak = found.index(1.0)
    assert found[: peak + 1] == sorted(found[: peak + 1])
    assert found[peak:] == sorted(found[peak:], reverse=True)
    assert max(found) == 1.0
    assert final < found[-1] < final + 0.05


def test_a_run_that_only_decays_begins_at_the_peak():
    assert rates(5, decay_steps=5) == pytest.approx([1, 0.8, 0.6, 0.4, 0.2])


@pytest.mark.parametrize("schedule", ["wsd", "linear", "cosine"])
def test_one_step_is_enough(schedule):
    assert rates(1, warmup_steps=1, schedule=schedule) == [1.0]
    assert rates(1, schedule=schedule) == [1.0]
