"""Laws of the preset table."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.plan import (
    count_parameters,
    laptop_config,
    nanochat_config,
    preset,
    preset_names,
)
from scratchlm.plan.presets import LAPTOP_DEPTHS


def test_every_listed_name_is_a_model_and_every_family_grows():
    names = preset_names()
    assert len(set(names)) == len(names)
    families = {}
    for name in names:
        family = name.rpartition("-")[0], name.endswith("-padded")
        families.setdefault(family, []).append(count_parameters(preset(name)).total)
    for sizes in families.values():
        assert sizes == sorted(sizes)


@pytest.mark.parametrize(
    ("name", "wanted"), [("15m", 15e6), ("42m", 42e6), ("110m", 110e6), ("1b", 1.2e9)]
)
def test_a_name_says_the_size(name, wanted):
    assert count_parameters(preset(name)).total == pytest.approx(wanted, rel=0.03)


def test_the_measured_laptop_shape_has_its_width_at_depth_six():
    config = preset("depth-6")
    assert (config.n_layers, config.d_model, config.d_head) == (6, 192, 64)


def test_laptop_widths_fit_heads_and_quantisation_groups():
    for depth in range(1, 65):
        config = laptop_config(depth)
        assert config.n_heads * config.d_head == config.d_model
        assert config.n_heads % config.n_kv_heads == 0
        assert config.d_model % 64 == config.d_ff % 64 == 0


def test_from_a_width_of_256_our_shapes_are_whole_super_blocks():
    ours = [f"depth-{depth}" for depth in LAPTOP_DEPTHS if depth >= 8]
    for name in [*ours, "15m", "42m", "110m"]:
        config = preset(name)
        assert config.d_model % 256 == config.d_ff % 256 == 0, name
        assert config.n_heads * config.d_head % 256 == 0, name


def test_a_padded_vocabulary_changes_nothing_else():
    for name in ("gpt2-124m", "gpt2-1.5b"):
        plain, padded = preset(name), preset(f"{name}-padded")
        assert padded.vocab_size == 50_304 == -(-plain.vocab_size // 64) * 64
        assert padded.model_copy(update={"vocab_size": 50_257}) == plain


def test_the_guides_two_pictures_differ_in_where_the_norm_stands():
    classic, diagram = preset("classic"), preset("diagram")
    assert (classic.position, classic.norm_placement) == ("learned", "pre")
    assert (diagram.position, diagram.norm_placement) == ("rope", "post")
    assert classic.tied
    assert classic.d_model == diagram.d_model


def test_nanochats_windows_are_a_quarter_of_the_context_and_the_last_layer_sees_all():
    config = nanochat_config(6)
    assert (config.d_model, config.n_heads, config.d_head) == (384, 3, 128)
    windows = [config.window(layer) for layer in range(6)]
    assert windows == [512, 512, 512, None, 512, None]
    assert nanochat_config(5).d_model == 384  # 320, in whole heads
    assert nanochat_config(6, context_length=520).attention_window == 256


def test_a_misspelt_preset_is_offered_the_nearest_name():
    with pytest.raises(UserError, match="did you mean 'gpt2-124m'"):
        preset("gpt2-124")
    with pytest.raises(UserError, match="depth 99"):
        preset("depth-99")
    with pytest.raises(UserError, match="depth 0"):
        preset("nanochat-0")
    with pytest.raises(UserError, match="known"):
        preset("zzz")
    with pytest.raises(UserError, match="no preset"):
        preset("7b-padded")
