import math

import pytest

from scratchlm.train.event_words import explain_event


def event(kind, *, fault=None, losses=(2.0, 2.0), dtype="float32", **changes):
    rows = [
        {"row": i, "loss": float(x) if math.isfinite(x) else str(x)}
        for i, x in enumerate(losses)
    ]
    norms = {"grad_norm": 1.0, "n_weights_not_finite": 0}
    rows = [{**row, "distinct_frac": 0.5} for row in rows]
    found = {"kind": kind, "fault": fault, "rows": rows, "dtype": dtype}
    usual = {"loss": 9.0, "usual_loss": 2.0, "grad_norm": 1.0}
    parameters = {"a.weight": norms, "b.weight": norms}
    return {**found, **usual, "parameters": parameters, **changes}


def fault(stage, where="a.weight", largest_input=None):
    counts = {"n_nan": 3, "n_inf": 1_000, "n_numbers": 4_096}
    place = {"stage": stage, "where": where, "micro_batch": 0}
    return {**place, **counts, "largest_input": largest_input}


def told(*arguments, **changes):
    return " ".join(explain_event(event(*arguments, **changes)))


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("batch", "the data are damaged"),
        ("forward", "first module whose output was not finite"),
        ("backward", "on the way back"),
        ("loss", "All modules gave finite numbers and the loss did not"),
    ],
)
def test_each_place_of_a_fault_has_its_cause(stage, words):
    text = told("non_finite_loss", fault=fault(stage))
    assert words in text
    if stage != "loss":
        assert "a.weight" in text
        assert "3 NaN and 1,000 infinite of 4,096 numbers" in text


def test_a_copy_that_overflowed_is_not_a_damaged_master():
    assert "in the copy that computes" in told(
        "non_finite_loss", fault=fault("weights"), dtype="float16"
    )
    damaged = {"a.weight": {"grad_norm": None, "n_weights_not_finite": 4}}
    assert "damaged before this step" in told(
        "non_finite_loss", fault=fault("weights"), parameters=damaged
    )


def test_an_input_near_the_end_of_the_numbers_is_an_overflow():
    overflow = told(
        "non_finite_loss", fault=fault("forward", largest_input=6e4), dtype="float16"
    )
    assert "an overflow" in overflow
    assert "bfloat16 has the range of float32" in overflow
    harmless = told("non_finite_loss", fault=fault("forward", largest_input=3.0))
    assert "harmless (at most 3)" in harmless
    place = fault("forward", "layers.1.mlp.down_proj", largest_input=math.inf)
    assert "within layers.1.mlp" in told("non_finite_loss", fault=place)


def test_rows_that_are_not_finite_alone_are_named():
    losses = (2.0, math.nan, 2.0, math.inf)
    text = told("non_finite_loss", fault=fault("forward"), losses=losses)
    assert "Alone, rows 1, 3 of 4 gave no finite loss" in text
    text = told("non_finite_loss", fault=fault("forward"), losses=(math.nan,) * 3)
    assert "it is the model, not the data" in text


def test_what_does_not_come_again_is_a_fault_of_the_machine():
    assert "did not come again" in told("non_finite_loss")
    assert "did not come again" in told("loss_spike", losses=(2.0, 2.1, 1.9))


def test_gradients_whose_squares_overflow_are_a_divergence():
    huge = {"a.weight": {"grad_norm": 1e20, "n_weights_not_finite": 0}}
    text = told("non_finite_gradient", parameters=huge)
    assert "sum of their squares overflows" in text


def test_a_spike_of_few_rows_is_the_data_and_of_all_rows_the_model():
    few = told("loss_spike", losses=(2, 2.0, 60.0, 2, 2, 2, 2, 2), loss=9.25)
    assert few.startswith("The data: row 2 of 8 bears the excess (loss 60.00")
    two = told("loss_spike", losses=(2, 30.0, 34.0, 2, 2, 2, 2, 2), loss=9.5)
    assert two.startswith("The data: rows 2, 1 of 8 bear the excess (loss 34.00")
    assert told("loss_spike", losses=(9.0,) * 8).startswith("All rows are high alike")
    assert told("loss_spike", losses=(9.0,)).startswith("All rows are high alike")


def test_a_row_that_repeats_itself_is_said_to():
    found = event("loss_spike", losses=(2.0, 2.0, 2.0, 30.0))
    found["rows"][3]["distinct_frac"] = 0.02
    assert "Row 3 repeats few tokens: 2.0%" in " ".join(explain_event(found))


def test_a_matrix_that_has_the_gradient_is_named():
    norms = {
        "a.weight": {"grad_norm": 9.0, "n_weights_not_finite": 0},
        "b.weight": {"grad_norm": 1.0, "n_weights_not_finite": 0},
    }
    text = told("gradient_spike", parameters=norms)
    assert "a.weight alone has 99% of the squared gradient norm" in text
    assert "large all over" in told("gradient_spike")
