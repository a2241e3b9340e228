"""Laws of the filters' settings: published values, presets, nothing on by itself."""

from math import inf

import pytest

from scratchlm.base.config import build_config, dump_toml, read_toml
from scratchlm.base.errors import UserError
from scratchlm.corpus.filters.config import C4Config, FilterConfig


def sections(config):
    return {name: value for name, value in config if hasattr(value, "enabled")}


def read_again(config, path):
    path.write_text(dump_toml(config), encoding="utf-8")
    return build_config(FilterConfig, read_toml(path))


def test_everything_is_off_unless_said():
    assert not any(section.enabled for section in sections(FilterConfig()).values())


def test_a_preset_switches_its_filters_on_and_what_is_said_wins():
    config = build_config(
        FilterConfig,
        {
            "preset": "fineweb",
            "c4": {"min_sentences": 3},
            "fineweb": {"enabled": False},
        },
    )
    on = {name for name, section in sections(config).items() if section.enabled}
    assert on == {"gopher_repetition", "gopher_quality", "c4"}
    assert config.c4.min_sentences == 3 and config.c4.end_marks is False


def test_a_section_given_as_an_object_is_said_as_a_whole():
    config = FilterConfig(preset="c4", c4=C4Config(enabled=True, min_sentences=2))
    assert config.c4 == C4Config(enabled=True, min_sentences=2)


@pytest.mark.parametrize("preset", ["gopher", "c4", "fineweb", "fineweb2-de", None])
def test_a_written_configuration_reads_back_the_same(preset, tmp_path):
    config = FilterConfig(preset=preset)
    assert read_again(config, tmp_path / "filters.toml") == config


def test_a_limit_can_be_switched_off_in_a_file(tmp_path):
    path = tmp_path / "filters.toml"
    path.write_text("[gopher_quality]\nenabled = true\nmax_words = inf\n")
    config = build_config(FilterConfig, read_toml(path))
    assert config.gopher_quality.max_words == inf


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"preset": "gophr"}, "preset"),
        ({"preset": ["gopher"]}, "preset"),
        ({"gopher_qualty": {}}, "did you mean 'gopher_quality'"),
        ({"c4": {"min_sentence": 3}}, "did you mean 'min_sentences'"),
        ({"lines": {"drop_lines": ["("]}}, "no regular expression"),
        ({"gopher_repetition": {"max_top_ratios": [0.1]}}, "max_top_ratios"),
    ],
)
def test_a_mistake_is_named(values, said):
    with pytest.raises(UserError, match=said):
        build_config(FilterConfig, values)
