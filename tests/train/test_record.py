"""Laws of what the loop says of a step."""

from scratchlm.train.record import CLOCKED, StepRecord


def record(**changes):
    values = {"step": 3, "total_steps": 9, "loss": 2.5, "grad_norm": 0.5, "lr": 0.01}
    sizes = {"tokens": 300, "step_tokens": 100, "step_s": 0.5}
    return StepRecord(**{**values, **sizes, **changes})


def test_a_row_says_loss_norm_rate_tokens_and_speed():
    assert record().row() == {
        "train/loss": 2.5,
        "train/grad_norm": 0.5,
        "train/lr": 0.01,
        "train/tokens": 300,
        "train/tokens_per_s": 200.0,
    }


def test_what_was_not_measured_or_is_as_usual_is_left_out():
    assert "train/mfu_frac" not in record().row()
    row = record(mfu_frac=0.71239, action="skip", values={"align/margin": 1.0}).row()
    assert row["train/mfu_frac"] == 0.7124
    assert row["train/action"] == "skip"
    assert row["align/margin"] == 1.0


def test_only_clocked_names_differ_between_two_repeats():
    """Two runs that differ in speed alone differ in those names alone."""
    fast, slow = (
        record(step_s=seconds, mfu_frac=share).row()
        for seconds, share in ((0.5, 0.7), (0.9, 0.4))
    )
    assert {name for name in fast if fast[name] != slow[name]} <= set(CLOCKED)
    assert fast != slow


def test_a_step_that_took_no_time_is_no_division_by_zero():
    assert record(step_s=0.0).tokens_per_s > 0
