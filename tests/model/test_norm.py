import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from scratchlm.model.config import ModelConfig
from scratchlm.model.norm import RMSNorm, build_norm

SIZES = {"vocab_size": 4, "n_layers": 1, "n_heads": 1, "n_kv_heads": 1, "d_ff": 4}


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 17))
def test_values_and_gradients_are_those_of_torch(batch, width):
    x = random(*batch, width).requires_grad_()
    weight, upstream = 1 + 0.3 * random(width, seed=1), random(*batch, width, seed=2)
    ours = RMSNorm(width, 1e-6)
    theirs = nn.RMSNorm(width, eps=1e-6)
    for norm in (ours, theirs):
        norm.weight = nn.Parameter(weight.clone())
    results = []
    for norm in (ours, theirs):
        y = norm(x)
        grads = torch.autograd.grad(y, (x, norm.weight), upstream)
        results.append((y.detach(), *grads))
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)


def test_without_gradients_the_same_values_come_out():
    norm, x = RMSNorm(8, 1e-6), random(3, 8)
    with torch.no_grad():
        plain = norm(x)
    torch.testing.assert_close(plain, norm(x).detach(), atol=1e-6, rtol=1e-6)


def test_the_input_is_left_alone():
    norm, x = RMSNorm(8, 1e-6), random(3, 8)
    before = x.clone()
    with torch.no_grad():
        norm(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("factor", [1e-2, 3.0, 1e6])
def test_the_size_of_a_token_plays_no_part(factor):
    norm, x = RMSNorm(64, 1e-12), random(5, 64)
    torch.testing.assert_close(norm(factor * x), norm(x), atol=1e-5, rtol=1e-5)


def test_the_root_mean_square_becomes_one():
    rms = RMSNorm(64, 1e-12)(random(5, 64) * 7).square().mean(-1).sqrt()
    torch.testing.assert_close(rms, torch.ones(5), atol=1e-5, rtol=0)


def test_half_precision_keeps_its_type_and_counts_in_float32():
    x = (
        1e4 * random(4, 256)
    ).bfloat16()  # squares of these overflow nothing in float32
    found = RMSNorm(256, 1e-6)(x)
    assert found.dtype == torch.bfloat16
    expected = RMSNorm(256, 1e-6)(x.float())
    torch.testing.assert_close(found.float(), expected, atol=0.02, rtol=0.01)


def test_a_zero_token_stays_zero_and_finite():
    x = torch.zeros(1, 4, requires_grad=True)
    RMSNorm(4, 1e-6)(x).sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("bias", [True, False])
def test_the_config_names_the_norm(bias):
    config = ModelConfig(d_model=6, bias=bias, norm="layernorm", **SIZES)
    norm = build_norm(config)
    assert isinstance(norm, nn.LayerNorm)
    assert (norm.bias is not None) == bias
    assert isinstance(build_norm(ModelConfig(d_model=6, **SIZES)), RMSNorm)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(1, 17))
def test_without_a_gain_it_is_the_norm_with_gains_of_one(batch, width):
    x, upstream = random(*batch, width).requires_grad_(), random(*batch, width, seed=2)
    plain = RMSNorm(width, 1e-6, gain=False)
    assert not list(plain.parameters())
    results = []
    for norm in (plain, RMSNorm(width, 1e-6)):
        y = norm(x)
        results.append((y.detach(), *torch.autograd.grad(y, x, upstream)))
        with torch.no_grad():
            torch.testing.assert_close(norm(x), y, atol=1e-6, rtol=1e-6)
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["rmsnorm", "layernorm"])
def test_a_norm_without_gain_has_no_parameters(kind):
    config = ModelConfig(norm=kind, norm_gain=False, bias=True, d_model=6, **SIZES)
    norm = build_norm(config)
    assert not list(norm.parameters())
    torch.testing.assert_close(
        norm(random(2, 6)).std(-1), torch.ones(2), rtol=0.3, atol=0.3
    )
