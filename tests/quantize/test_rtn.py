import torch

from scratchlm.quantize.config import QuantizeConfig
from scratchlm.quantize.rtn import rounded, rounding_error

WEIGHT = torch.randn(16, 64, generator=torch.Generator().manual_seed(0))


def test_more_bits_and_smaller_groups_err_less():
    errors = [
        float(rounding_error(WEIGHT, QuantizeConfig(**options)).square().mean())
        for options in (
            {"bits": 4, "group_size": 64},
            {"bits": 4, "group_size": 16},
            {"bits": 8, "group_size": 16},
        )
    ]
    assert errors[0] > errors[1] > 50 * errors[2] > 0


def test_without_a_scale_the_error_is_what_rounding_moved():
    config = QuantizeConfig()
    expected = rounded(WEIGHT, config) - WEIGHT
    assert torch.equal(rounding_error(WEIGHT, config), expected)


def test_a_scaled_channel_loses_less():
    config = QuantizeConfig(group_size=64)
    scale = torch.ones(64)
    scale[5] = 8
    plain, scaled = (rounding_error(WEIGHT, config, s) for s in (None, scale))
    assert float(scaled[:, 5].abs().mean()) < float(plain[:, 5].abs().mean()) / 2
    assert float(scaled.abs().mean()) > float(plain.abs().mean()), "the others pay"
