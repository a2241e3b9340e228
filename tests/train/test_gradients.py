import math

import numpy as np
import pytest
import torch

from scratchlm.train.gradients import clip, gather_gradients, global_norm
from scratchlm.train.objective import NextToken
from scratchlm.train.precision import MasterWeights


def gradients_of(model, scale=1.0, rows=2):
    draw = np.random.default_rng(0)
    tokens = torch.from_numpy(draw.integers(32, size=(4, 8)))
    mask = torch.ones_like(tokens, dtype=torch.bool)
    window = {"tokens": tokens, "targets": tokens.roll(1), "loss_mask": mask}
    weights = MasterWeights(model, torch.float32)
    loss, _ = gather_gradients(model, NextToken(), window, rows, weights, scale)
    return loss, {n: m.grad for n, m in weights.masters.items() if m.grad is not None}


def test_a_scaled_loss_leaves_the_same_gradients(build_model):
    loss, plain = gradients_of(build_model(norm_placement="post"))
    same, scaled = gradients_of(build_model(norm_placement="post"), 1024.0)
    assert same == loss
    for name, gradient in plain.items():
        torch.testing.assert_close(scaled[name], gradient)


@pytest.mark.parametrize("max_norm", [None, 0.5, 1e6])
def test_clipping_is_torchs(max_norm):
    draw = torch.Generator().manual_seed(0)
    parameters = [torch.zeros(shape, requires_grad=True) for shape in [(3, 4), (5,)]]
    for parameter in parameters:
        parameter.grad = torch.randn(parameter.shape, generator=draw)
    ours = [parameter.grad.clone() for parameter in parameters]
    norm = global_norm(ours)
    limit = math.inf if max_norm is None else max_norm
    expected = float(torch.nn.utils.clip_grad_norm_(parameters, limit))
    clip(ours, norm, max_norm)
    assert norm == pytest.approx(expected, rel=1e-6)
    for gradient, parameter in zip(ours, parameters, strict=True):
        torch.testing.assert_close(gradient, parameter.grad)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_one_bad_number_makes_the_norm_not_finite(bad):
    gradients = [torch.ones(3), torch.tensor([1.0, bad])]
    assert not math.isfinite(global_norm(gradients))
