import pytest
import torch

from scratchlm.model.quantized_linear import dequantize, quantize_rows
from scratchlm.quantize.awq import clip_weight, search_scale
from scratchlm.quantize.calibrate import InputStatistics, output_energy
from scratchlm.quantize.config import QuantizeConfig
from scratchlm.quantize.rtn import rounding_error
from scratchlm.quantize.scaling import ScalingGroup

CONFIG = QuantizeConfig(group_size=32)
GROUP = ScalingGroup(("a", "b"), "norm", "a")


def inputs(n_channels, loud=(), seed=0):
    """Correlated inputs (500, C), a few channels fifteen times as loud."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(500, n_channels, generator=generator)
    x = x + x.roll(1, 1)
    x[:, list(loud)] *= 15
    return x


def moments(x):
    return InputStatistics(x.t() @ x / len(x), x.abs().mean(0))


def random_weight(rows, channels, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, channels, generator=generator)


def relative_error(weights, x, scale=None):
    """Mean over the layers of |x Δᵀ|² / |x Wᵀ|², from the inputs themselves."""
    total = 0.0
    for weight in weights:
        outputs = x @ rounding_error(weight, CONFIG, scale).t()
        total += float(outputs.square().sum() / (x @ weight.t()).square().sum())
    return total / len(weights)


def test_the_search_knows_the_real_error_of_what_it_chose():
    x, weights = inputs(64, (3, 40)), [random_weight(48, 64, s) for s in (0, 1)]
    choice = search_scale(weights, moments(x), GROUP, CONFIG)
    found = relative_error(weights, x, choice.scale)
    assert choice.error_frac == pytest.approx(found, rel=1e-3)
    assert choice.rtn_error_frac == pytest.approx(relative_error(weights, x), rel=1e-3)


def test_loud_channels_halve_their_error():
    x, weights = inputs(64, (3, 40)), [random_weight(48, 64)]
    choice = search_scale(weights, moments(x), GROUP, CONFIG)
    assert choice.error_frac < 0.5 * choice.rtn_error_frac
    assert float(choice.scale[[3, 40]].min()) > float(choice.scale.median())


@pytest.mark.parametrize("seed", range(3))
def test_the_error_is_never_above_rounding_to_nearest(seed):
    x, weights = inputs(64, seed=seed), [random_weight(8, 64, seed)]
    choice = search_scale(weights, moments(x), GROUP, CONFIG)
    assert choice.error_frac <= choice.rtn_error_frac


def test_a_layers_own_size_does_not_decide_how_much_it_counts():
    """Queries and keys are renormalised: a thousandfold weight is the same layer."""
    x = inputs(64, (3, 40))
    first, second = random_weight(8, 64, 0), random_weight(8, 64, 1)
    names = {
        search_scale([first, second * size], moments(x), GROUP, CONFIG).name
        for size in (1.0, 0.01, 100.0)
    }
    assert len(names) == 1


def test_channels_that_are_never_used_do_no_harm():
    x = inputs(64, (3,))
    x[:, 10:14] = 0
    choice = search_scale([random_weight(8, 64)], moments(x), GROUP, CONFIG)
    assert bool(choice.scale.isfinite().all()) and float(choice.scale.min()) > 0


def test_a_layer_of_zeros_is_no_error():
    choice = search_scale([torch.zeros(8, 64)], moments(inputs(64)), GROUP, CONFIG)
    assert choice.error_frac == choice.rtn_error_frac == 0


@pytest.mark.parametrize("channels", [64, 72])
def test_clipping_gives_up_an_outlier_that_nothing_reads(channels):
    x, weight = inputs(channels), random_weight(8, channels)
    x[:, 7] /= 1000
    weight[:, 7] = 9.0
    gram = moments(x).gram
    plain = dequantize(*quantize_rows(weight, 4, 32), 32) - weight
    clipped = dequantize(*clip_weight(weight, gram, CONFIG), 32) - weight
    assert output_energy(clipped, gram) < 0.8 * output_energy(plain, gram)
    assert float(clipped[:, 7].abs().mean()) > 1


@pytest.mark.parametrize("seed", range(3))
def test_clipping_never_raises_a_layers_error(seed):
    weight, gram = random_weight(8, 64, seed), moments(inputs(64, (5,), seed)).gram
    plain = dequantize(*quantize_rows(weight, 4, 32), 32) - weight
    clipped = dequantize(*clip_weight(weight, gram, CONFIG), 32) - weight
    assert output_energy(clipped, gram) <= output_energy(plain, gram)
