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
    ],
)
def test_the_rates_by_hand(changes, expected):
    assert rates(8, **changes) == pytest.approx(expected)


def test_a_run_that_only_decays_begins_at_the_peak():
    assert rates(5, decay_steps=5) == pytest.approx([1, 0.8, 0.6, 0.4, 0.2])


def test_one_step_is_enough():
    assert rates(1, warmup_steps=1) == [1.0]
