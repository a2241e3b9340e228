import math

import pytest
import torch
from torch.nn import functional as F

from scratchlm.model.config import ModelConfig
from scratchlm.model.mlp import MLP

SIZES = {"vocab_size": 4, "n_layers": 1, "n_heads": 1, "n_kv_heads": 1}


def build(kind, **changes):
    torch.manual_seed(0)
    return MLP(ModelConfig(mlp=kind, d_model=6, d_ff=10, **SIZES, **changes))


def formula(mlp, x):
    """The four networks as their papers write them."""
    up = mlp.up_proj(x)
    if mlp.kind == "swiglu":
        gate = mlp.gate_proj(x)
        inner = gate / (1 + torch.exp(-gate)) * up
    elif mlp.kind == "gelu":
        cubic = math.sqrt(2 / math.pi) * (up + 0.044715 * up**3)
        inner = 0.5 * up * (1 + torch.tanh(cubic))
    elif mlp.kind == "gelu_exact":
        inner = 0.5 * up * (1 + torch.erf(up / math.sqrt(2)))
    else:
        inner = torch.where(up > 0, up * up, torch.zeros(()))
    return mlp.down_proj(inner)


@pytest.mark.parametrize("kind", ["swiglu", "gelu", "gelu_exact", "relu2"])
@pytest.mark.parametrize("bias", [False, True])
def test_each_kind_computes_its_formula(kind, bias):
    mlp, x = build(kind, bias=bias), torch.randn(2, 3, 6)
    torch.testing.assert_close(mlp(x), formula(mlp, x))


@pytest.mark.parametrize("kind", ["swiglu", "gelu", "relu2"])
def test_tokens_are_treated_alone(kind):
    mlp, x = build(kind), torch.randn(2, 3, 6)
    torch.testing.assert_close(mlp(x)[:, 1:2], mlp(x[:, 1:2]))


@pytest.mark.parametrize(("kind", "names"), [("swiglu", 3), ("gelu", 2), ("relu2", 2)])
def test_only_swiglu_has_a_gate(kind, names):
    assert len(list(build(kind).parameters())) == names


def test_the_inner_activations_feed_the_last_projection():
    mlp, x = build("swiglu"), torch.randn(2, 3, 6)
    inner = mlp.inner(x)
    assert inner.shape == (2, 3, 10)
    torch.testing.assert_close(F.linear(inner, mlp.down_proj.weight), mlp(x))
