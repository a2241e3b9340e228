"""Laws of shapes: one family, other sizes."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.pipeline.trial_shape import (
    format_shape,
    parse_shape,
    resized,
    smaller_shapes,
)
from scratchlm.plan.parameters import count_multiplied
from scratchlm.plan.presets import laptop_config, preset

MODEL = laptop_config(6, d_model=256)


@pytest.mark.parametrize("text", ["6x128", "6×128", " 6 x 128 "])
def test_a_shape_is_layers_by_width(text):
    assert parse_shape(text) == (6, 128)


@pytest.mark.parametrize("text", ["128", "0x64", "6x", "axb", "6x128x2"])
def test_what_is_no_shape_is_refused_with_an_example(text):
    with pytest.raises(UserError, match="such as 6x128"):
        parse_shape(text)


def test_the_same_size_is_the_same_model():
    for model in (MODEL, preset("gpt2-124m"), preset("70b")):
        assert resized(model, model.n_layers, model.d_model) == model


@pytest.mark.parametrize("width", [16, 32, 96, 128, 192, 320])
def test_style_and_proportions_stay(width):
    model = resized(MODEL, 3, width)
    assert format_shape(model) == f"3x{width}"
    assert model.n_heads * model.d_head == width and model.n_heads <= MODEL.n_heads
    assert model.n_heads // model.n_kv_heads == MODEL.n_heads // MODEL.n_kv_heads
    assert model.d_ff == pytest.approx(MODEL.d_ff * width / 256, abs=4)
    same = ("mlp", "norm", "position", "qk_norm", "tied", "vocab_size")
    assert all(getattr(model, key) == getattr(MODEL, key) for key in same)


def test_a_width_that_the_heads_do_not_divide_gets_fewer():
    model = resized(laptop_config(6, d_model=192), 2, 40)  # three heads
    assert (model.n_heads, model.d_head) == (2, 20)


def test_a_width_that_is_no_multiple_of_8_is_refused():
    with pytest.raises(UserError, match="no multiple of 8"):
        resized(MODEL, 2, 100)


def test_no_rung_of_a_ladder_loses_a_head():
    for model in (MODEL, preset("gpt2-124m"), laptop_config(6, d_model=192)):
        rungs = [resized(model, *shape) for shape in smaller_shapes(model)]
        assert {rung.n_heads for rung in rungs} == {model.n_heads}


def test_rungs_rise_and_stay_below_their_target():
    for model in (MODEL, preset("gpt2-124m"), laptop_config(4, d_model=64)):
        sizes = [count_multiplied(resized(model, *s)) for s in smaller_shapes(model)]
        assert len(sizes) >= 4 or model.d_model == 64
        assert sizes == sorted(sizes) and sizes[-1] < count_multiplied(model)
    assert smaller_shapes(MODEL, (8, 320)) != smaller_shapes(MODEL)
