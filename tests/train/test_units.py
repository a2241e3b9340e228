"""Laws of dead units and unused experts."""

import pytest
import torch

from scratchlm.train.units import UnitUse, measure_units

TOKENS = torch.arange(160).view(20, 8) % 32


@pytest.fixture
def model(build_model):
    def build(**changes):
        model = build_model(**changes).eval()
        with torch.no_grad():  # output projections begin at zero
            for name, parameter in model.named_parameters():
                if "o_proj" in name or "down_proj" in name:
                    parameter.normal_(std=0.1)
        return model

    return build


@pytest.mark.parametrize("mlp", ["swiglu", "relu2", "gelu"])
def test_a_fresh_model_has_no_dead_units(model, mlp):
    use = measure_units(model(mlp=mlp), TOKENS)
    assert use.dead_frac == {0: 0.0, 1: 0.0}
    assert use.values == {"units/dead_frac": 0.0}
    assert [finding.normal for finding in use.judge()] == [True]


@pytest.mark.parametrize("mlp", ["swiglu", "relu2"])
def test_units_that_never_fire_are_counted_in_their_layer(model, mlp):
    broken = model(mlp=mlp, d_ff=24)
    with torch.no_grad():
        broken.layers[1].mlp.up_proj.weight[:6] = 0.0
    use = measure_units(broken, TOKENS)
    assert use.dead_frac == {0: 0.0, 1: 6 / 24}
    [finding] = use.judge()
    assert not finding.normal and "layer 1: 25.0%" in finding.text


def test_a_layer_that_is_silent_altogether_is_dead(model):
    broken = model(mlp="relu2")
    with torch.no_grad():
        broken.layers[0].mlp.up_proj.weight.zero_()
    assert measure_units(broken, TOKENS).dead_frac[0] == 1.0


def test_experts_that_no_token_takes_are_named(model):
    mixed = model(n_experts=4, n_experts_per_token=1, d_expert=8)
    assert not any(measure_units(mixed, TOKENS).unused_experts.values())
    with torch.no_grad():
        mixed.layers[1].mlp.router_bias[2] = -100.0
    use = measure_units(mixed, TOKENS)
    assert use.unused_experts == {0: (), 1: (2,)} and not use.dead_frac
    assert use.values == {"units/unused_experts": 1}
    [finding] = use.judge()
    assert not finding.normal and "layer 1: 2" in finding.text


def test_looking_changes_nothing_and_leaves_nothing_behind(model):
    looked = model(n_experts=4, n_experts_per_token=2, d_expert=8)
    before = looked(TOKENS)
    measure_units(looked, TOKENS)
    assert torch.equal(looked(TOKENS), before)
    assert not any(module._forward_pre_hooks for module in looked.modules())


def test_some_dead_units_are_normal():
    assert UnitUse({0: 0.05, 1: 0.1}).judge()[0].normal
    assert not UnitUse({0: 0.05, 1: 0.3}).judge()[0].normal
    assert UnitUse().judge() == [] and UnitUse().values == {}
