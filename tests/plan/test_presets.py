"""Laws of the preset table."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.plan import count_parameters, laptop_config, preset, preset_names


def test_every_listed_name_is_a_model_and_they_grow():
    sizes = [count_parameters(preset(name)).total for name in preset_names()]
    assert sizes == sorted(sizes)
    assert sizes[0] < 1e6 < 7e10 < sizes[-1]


def test_the_measured_laptop_shape_has_its_width_at_depth_six():
    config = preset("depth-6")
    assert (config.n_layers, config.d_model, config.d_head) == (6, 192, 64)


def test_laptop_widths_fit_heads_and_quantisation_groups():
    for depth in range(1, 65):
        config = laptop_config(depth)
        assert config.n_heads * config.d_head == config.d_model
        assert config.n_heads % config.n_kv_heads == 0
        assert config.d_model % 64 == config.d_ff % 64 == 0


def test_a_misspelt_preset_is_offered_the_nearest_name():
    with pytest.raises(UserError, match="did you mean 'gpt2-124m'"):
        preset("gpt2-124")
    with pytest.raises(UserError, match="depth 99"):
        preset("depth-99")
    with pytest.raises(UserError, match="known"):
        preset("zzz")
