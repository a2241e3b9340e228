import copy

import pytest
import torch

from scratchlm.model.quantized_linear import QuantizedLinear
from scratchlm.quantize.calibrate import collect_statistics, output_energy
from scratchlm.quantize.compare import compare_models
from scratchlm.quantize.config import QuantizeConfig
from scratchlm.quantize.rtn import rounded
from scratchlm.quantize.transform import quantize_model

SMALL = {"group_size": 16, "n_grid": 4}


def quantized(model, tokens, **options):
    config = QuantizeConfig(**{**SMALL, **options})
    result = copy.deepcopy(model)
    return result, quantize_model(result, config, tokens)


def test_rounding_to_nearest_touches_nothing_but_the_blocks_weights(model, tokens):
    result, record = quantized(model, tokens, method="rtn")
    config = QuantizeConfig(**SMALL)
    for name in record.modules:
        layer, before = result.get_submodule(name), model.get_submodule(name)
        assert torch.equal(layer.decode(), rounded(before.weight, config))
    after = result.state_dict()
    for name, tensor in model.state_dict().items():
        if name.removesuffix(".weight") not in record.modules:
            assert torch.equal(after[name], tensor)


def test_at_eight_bits_every_architecture_says_the_same(model, tokens):
    """A scale that is folded the wrong way would show here at once."""
    result, record = quantized(model, tokens, bits=8)
    assert any(scale["scale"] != "identity" for scale in record.scales)
    found = compare_models(model, result, tokens)
    assert found.kl_nats < 1e-2
    assert found.top1_agreement_frac > 0.9


def test_scales_lower_the_layers_errors_and_the_models_divergence(model, tokens):
    (rtn, _), (awq, record) = (
        quantized(model, tokens, method=name) for name in ("rtn", "awq")
    )
    before, after = (compare_models(model, each, tokens) for each in (rtn, awq))
    assert after.kl_nats < before.kl_nats
    errors = record.errors.values()
    by_rounding = sum(error["rtn_error_frac"] for error in errors)
    assert 0 < sum(error["error_frac"] for error in errors) < 0.8 * by_rounding


def test_an_explicit_scale_leaves_the_layers_function(build_model, tokens):
    """What nothing absorbs, the layer itself multiplies its input by.

    (v_proj aside: it also absorbs the scale of o_proj.)
    """
    model = build_model(norm_placement="post", mlp="gelu")
    result, record = quantized(model, tokens)
    scaled = [
        name
        for name, options in record.modules.items()
        if options["input_scale"] and not name.endswith("v_proj")
    ]
    assert len(scaled) >= 4
    grams = collect_statistics(model, scaled, tokens)
    for name in scaled:
        before = model.get_submodule(name).weight.detach()
        layer = result.get_submodule(name)
        assert isinstance(layer, QuantizedLinear) and layer.input_scale is not None
        error = output_energy(layer.decode() - before, grams[name].gram)
        share = float(error / output_energy(before, grams[name].gram))
        assert share == pytest.approx(record.errors[name]["error_frac"], rel=1e-2)
        assert share < record.errors[name]["rtn_error_frac"]


def test_the_same_input_gives_the_same_codes(build_model, tokens):
    model = build_model()
    first, second = (quantized(model, tokens) for _ in range(2))
    assert first[1] == second[1]
    other = second[0].state_dict()
    for name, tensor in first[0].state_dict().items():
        assert torch.equal(other[name], tensor)
