"""Laws of the presets: they name settings that exist, with the published values."""

import pytest

from scratchlm.corpus.filters.config import FilterConfig
from scratchlm.corpus.filters.presets import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_each_setting_of_a_preset_exists_and_is_taken_over(preset):
    config = FilterConfig(preset=preset)
    for name, settings in PRESETS[preset].items():
        section = getattr(config, name)
        assert {key: getattr(section, key) for key in settings} == dict(settings)
        assert section.enabled


def test_gopher_is_as_published():
    config = FilterConfig(preset="gopher")
    quality, repetition = config.gopher_quality, config.gopher_repetition
    assert (quality.min_words, quality.max_words) == (50, 100_000)
    assert (quality.min_mean_word_chars, quality.max_mean_word_chars) == (3, 10)
    assert len(quality.stop_words) == 8
    assert repetition.max_top_ratios == (0.2, 0.18, 0.16)
    assert repetition.max_repeated_ratios == (0.15, 0.14, 0.13, 0.12, 0.11, 0.1)


def test_german_has_its_own_stop_words_and_no_c4():
    config = FilterConfig(preset="fineweb2-de")
    assert len(set(config.gopher_quality.stop_words)) == 15
    assert not config.c4.enabled
