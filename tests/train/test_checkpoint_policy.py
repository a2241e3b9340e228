import subprocess
import sys

import pytest

from scratchlm.base.config import build_config
from scratchlm.base.errors import UserError
from scratchlm.train.checkpoint_policy import CheckpointPolicy, Saved, choose_kept


def kept(metrics, **settings):
    saved = [Saved(step, metric) for step, metric in metrics.items()]
    return sorted(choose_kept(saved, CheckpointPolicy(**settings)))


TEN = dict.fromkeys(range(10, 101, 10))


@pytest.mark.parametrize(
    ("metrics", "settings", "expected"),
    [
        ({}, {}, []),
        (TEN, {}, [90, 100]),
        (TEN, {"keep_last": 1}, [100]),
        (TEN, {"keep_last": 30}, list(TEN)),
        (TEN, {"keep_every_steps": 40}, [40, 80, 90, 100]),
        (TEN | {30: 1.0, 50: 2.0}, {}, [30, 90, 100]),
        (TEN | {30: 1.0, 50: 2.0}, {"keep_best": 2}, [30, 50, 90, 100]),
        (TEN | {30: 1.0, 50: 1.0}, {}, [30, 90, 100]),
        (TEN | {30: 1.0}, {"keep_best": 0}, [90, 100]),
        (TEN | {100: 1.0}, {}, [90, 100]),
    ],
)
def test_the_last_the_best_and_every_nth_stay(metrics, settings, expected):
    assert kept(metrics, **settings) == expected


def test_the_order_in_which_they_are_found_plays_no_part():
    saved = [Saved(30, 1.0), Saved(10, 0.5), Saved(20, None)]
    policy = CheckpointPolicy(keep_last=1)
    assert choose_kept(saved, policy) == choose_kept(saved[::-1], policy) == {10, 30}


def test_the_newest_cannot_be_given_up():
    with pytest.raises(UserError, match="keep_last = 0"):
        build_config(CheckpointPolicy, {"keep_last": 0})


def test_a_policy_is_read_without_torch():
    code = "import sys, scratchlm.train.{}; assert 'torch' not in sys.modules"
    command = [sys.executable, "-c", code.format("checkpoint_policy")]
    assert subprocess.run(command).returncode == 0
