import json
import math

import pytest

from scratchlm.train.guard import Guard
from scratchlm.train.guard_config import GuardConfig

BAD = [math.nan, math.inf, -math.inf]


def calm(guard, steps, start=0):
    """Losses around 2, norms around 1; how they were judged."""
    return [
        guard.judge(k, 2 + 0.02 * (k % 5 - 2), 1 + 0.1 * (k % 3), can_roll_back=True)
        for k in range(start, start + steps)
    ]


def built(steps=64, **changes):
    guard = Guard(GuardConfig(**changes))
    assert all(judgement.accepted for judgement in calm(guard, steps))
    return guard


def actions(guard, steps, loss=9.0, can_roll_back=True):
    return [
        guard.judge(k, loss, 1.0, can_roll_back=can_roll_back).action for k in steps
    ]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("steps", [0, 64])
def test_what_is_not_finite_is_never_accepted_from_the_first_step_on(bad, steps):
    for loss, norm, kind in [
        (bad, 1.0, "non_finite_loss"),
        (2.0, bad, "non_finite_gradient"),
        (bad, bad, "non_finite_loss"),
    ]:
        judgement = built(steps).judge(steps, loss, norm, can_roll_back=False)
        assert (judgement.action, judgement.kind) == ("skip", kind)
        assert str(bad) in judgement.reason


def test_a_score_counts_robust_deviations_above_the_median():
    judgement = built(120).judge(120, 2.3, 1.1, can_roll_back=True)
    # median 2, median absolute deviation 0.02
    assert judgement.loss_score == pytest.approx(0.3 / (1.4826 * 0.02))
    assert judgement.grad_score == pytest.approx(0.0)
    assert judgement.kind == "loss_spike"
    assert "10 deviations above the median of accepted steps, 2 (" in judgement.reason


def test_gradient_norms_are_scored_by_their_logarithm_with_a_floor():
    judgement = built(120).judge(120, 2.0, 1.1 * math.e, can_roll_back=True)
    assert judgement.grad_score == pytest.approx(1 / 0.2)
    assert judgement.accepted
    judgement = built(120).judge(120, 2.0, 1.1 * math.e**2, can_roll_back=True)
    assert judgement.kind == "gradient_spike"
    assert "a gradient norm 8.13 is 10 deviations" in judgement.reason


def test_a_fall_is_no_spike():
    assert built().judge(64, 0.1, 1e-6, can_roll_back=True).accepted
    assert built().judge(64, 0.1, 0.0, can_roll_back=True).accepted


def test_the_first_steps_are_not_judged_by_their_size():
    guard = Guard(GuardConfig(fewest_steps=4))
    for step, loss in enumerate([9.0, 1.0, 500.0, 1.0]):
        judgement = guard.judge(step, loss, 1.0, can_roll_back=True)
        assert judgement.accepted
        assert judgement.loss_score is None
    assert not guard.judge(4, 1e6, 1.0, can_roll_back=True).accepted


def test_steps_that_are_all_alike_make_no_spike_of_a_small_difference():
    guard = Guard(GuardConfig())
    for step in range(64):
        guard.judge(step, 2.0, 1.0, can_roll_back=True)
    assert guard.judge(64, 2.1, 2.5, can_roll_back=True).accepted


def test_only_accepted_values_enter_the_window():
    guard = built(policy=("skip",))
    before = guard.state_dict()
    for step, value in enumerate([9.0, *BAD] * 50, start=64):
        assert not guard.judge(step, value, 1.0, can_roll_back=True).accepted
        assert not guard.judge(step, 2.0, 1e9, can_roll_back=True).accepted
    after = guard.state_dict()
    assert after["losses"] == before["losses"]
    assert after["log_grad_norms"] == before["log_grad_norms"]
    assert guard.judge(999, 2.0, 1.0, can_roll_back=True).accepted


def test_a_slow_rise_moves_the_level():
    guard = Guard(GuardConfig())
    for step in range(500):
        loss = 2 + 0.05 * (step % 5) + 0.002 * step
        assert guard.judge(step, loss, 1.0, can_roll_back=True).accepted


def test_events_in_a_row_walk_through_the_policy_and_its_last_answer_stays():
    policy = ("skip", "skip", "rollback", "cut_lr", "stop")
    guard = built(policy=policy)
    assert actions(guard, range(64, 71)) == [*policy, "stop", "stop"]
    assert guard.n_events == 7


def test_without_a_checkpoint_the_answer_after_the_rollback_is_taken():
    guard = built(policy=("rollback", "rollback", "skip", "rollback"))
    found = actions(guard, range(64, 67), can_roll_back=False)
    assert found == ["skip", "stop", "stop"]


def test_a_calm_stretch_begins_the_policy_anew():
    guard = built(policy=("skip", "cut_lr", "stop"), calm_steps=10)
    assert actions(guard, [64]) == ["skip"]
    calm(guard, 10, start=65)
    assert actions(guard, [75]) == ["skip"]
    calm(guard, 9, start=76)
    assert actions(guard, [85]) == ["cut_lr"]


def test_after_a_rollback_calm_counts_beyond_the_furthest_event():
    """Steps done a second time are no progress: the policy must not go in circles."""
    guard = built(policy=("rollback", "cut_lr", "stop"), calm_steps=10)
    checkpoint = guard.state_dict()
    assert actions(guard, [90]) == ["rollback"]
    guard.return_to(checkpoint)
    calm(guard, 26, start=64)
    assert actions(guard, [90]) == ["cut_lr"]


def test_a_cut_stays_and_cuts_multiply():
    guard = built(policy=("cut_lr", "cut_lr", "skip"), lr_cut=0.5)
    checkpoint = guard.state_dict()
    assert guard.lr_scale == 1.0
    actions(guard, [64, 65])
    assert guard.lr_scale == 0.25
    guard.return_to(checkpoint)
    calm(guard, 500, start=66)
    assert guard.lr_scale == 0.25


def test_at_a_rollback_the_window_goes_back_and_the_memory_of_events_stays():
    guard = built()
    checkpoint = json.loads(json.dumps(guard.state_dict()))
    calm(guard, 7, start=64)
    actions(guard, [71, 72])
    now = guard.state_dict()
    guard.return_to(checkpoint)
    assert guard.state_dict() == {
        **now,
        "losses": checkpoint["losses"],
        "log_grad_norms": checkpoint["log_grad_norms"],
    }


def test_a_guard_loaded_from_json_judges_as_the_one_that_was_saved():
    one = built(policy=("cut_lr", "skip", "rollback", "stop"))
    actions(one, [64])
    other = Guard(one.config)
    other.load_state_dict(json.loads(json.dumps(one.state_dict())))
    for step in range(65, 400):
        loss = 9.0 if step % 60 == 0 else 2 + 0.01 * (step % 7)
        judgements = {
            g.judge(step, loss, 1.0, can_roll_back=True) for g in (one, other)
        }
        assert len(judgements) == 1
    assert one.state_dict() == other.state_dict()


def test_switched_off_it_judges_no_size_but_stops_before_what_is_not_finite():
    guard = built(enabled=False)
    assert guard.judge(64, 1e9, 1e9, can_roll_back=True).accepted
    assert guard.judge(65, math.nan, 1.0, can_roll_back=True).action == "stop"
    assert guard.judge(66, 2.0, math.inf, can_roll_back=True).action == "stop"
