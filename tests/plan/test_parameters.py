"""Laws of counting: the presets have the sizes that their authors publish."""

import pytest

from scratchlm.plan import count_parameters, preset
from scratchlm.plan.parameters import count_multiplied

PUBLISHED = {
    "gpt2-124m": 124_439_808,
    "gpt2-355m": 354_823_168,
    "gpt2-774m": 774_030_080,
    "gpt2-1.5b": 1_557_611_200,
    "1b": 1_235_814_400,
    "3b": 3_212_749_824,
    "7b": 6_738_415_616,
    "8b": 8_030_261_248,
    "13b": 13_015_864_320,
    "70b": 70_553_706_496,
    "qwen3-0.6b": 596_049_920,
    "qwen3-1.7b": 1_720_574_976,
    "qwen3-4b": 4_022_468_096,
    "qwen3-8b": 8_190_735_360,
    "qwen3-14b": 14_768_307_200,
    "qwen3-30b-a3b": 30_532_122_624,
    "qwen3-32b": 32_762_123_264,
}


@pytest.mark.parametrize(("name", "published"), PUBLISHED.items())
def test_the_presets_have_the_published_number_of_parameters(name, published):
    assert count_parameters(preset(name)).total == published


def test_nanochats_depth_twelve_is_whole_but_for_smear_and_backout():
    # nanochat's own count, less smear_gate (24), smear_lambda and backout_lambda
    parts = count_parameters(preset("nanochat-12"))
    assert parts.total == 286_261_730 - 26
    assert parts.norms == 0


def test_a_mixture_multiplies_a_tenth_of_what_it_holds():
    parts = count_parameters(preset("qwen3-30b-a3b"))
    assert parts.active == 3_353_032_704  # "A3B"
    table = 151_936 * 2048
    assert count_multiplied(preset("qwen3-30b-a3b")) == (
        parts.active - table - parts.norms
    )
