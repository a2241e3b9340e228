"""Laws of the speed model and of what measures it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.base.machine import MachineConfig
from scratchlm.pipeline.calibrate import Trial, calibrate, measure_speed
from scratchlm.pipeline.calibration import Calibration, Speed, fit_line

POSITIVE = st.floats(1e-3, 1e3)


def speed(flops, tokens_per_s, **more):
    return Speed(
        n_layers=2,
        d_model=64,
        flops_per_token=flops,
        tokens_per_s=tokens_per_s,
        tokens_per_step=2048,
        **more,
    )


@settings(max_examples=40, deadline=None)
@given(POSITIVE, POSITIVE, st.lists(POSITIVE, min_size=2, max_size=4, unique=True))
def test_a_line_is_found_again(a, b, xs):
    if max(xs) < 1.5 * min(xs):
        return  # points that hardly differ say nothing of a slope
    found_a, found_b = fit_line([(x, a + b * x) for x in xs])
    for x in xs:
        assert found_a + found_b * x == pytest.approx(a + b * x, rel=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=1, max_size=4))
def test_any_measurement_gives_a_rising_cost(points):
    a, b = fit_line(points)
    assert a >= 0 and b > 0


def test_one_point_is_taken_as_proportional():
    assert fit_line([(4.0, 2.0)]) == (0.0, 0.5)


def test_only_the_chosen_setting_counts_for_the_forecast():
    slow, fast = speed(1e7, 1000.0), speed(1e7, 4000.0, attention="sdpa")
    found = Calibration(attention="sdpa", speeds=(slow, fast))
    assert found.estimate_tokens_per_s(1e7) == pytest.approx(4000)
    assert found.estimate_tokens_per_s(2e7) == pytest.approx(2000)
    assert "4 k tokens/s at 2 layers of 64" in found.summary()


@pytest.mark.parametrize("style", [{}, {"mlp": "gelu", "position": "learned"}])
def test_a_speed_is_measured_with_the_real_loop(style):
    machine = MachineConfig(threads=1)
    found = measure_speed(Trial(0), machine, style)
    assert found.tokens_per_s > 0
    assert (found.d_model, found.dtype) == (64, "float32")


def test_what_the_draft_fixes_is_not_tried_otherwise():
    said = {"device": "cpu", "attention": "sdpa", "dtype": "float32", "threads": 1}
    found = calibrate({"machine": said}, corpus_s=3.0)
    assert {(s.attention, s.dtype) for s in found.speeds} == {("sdpa", "float32")}
    assert found.threads == 1 and found.corpus_s == 3.0
    assert found.spent_s >= 3.0
    assert len(found.chosen_speeds()) >= 1
