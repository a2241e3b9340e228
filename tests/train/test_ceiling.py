"""Laws of the measured ceiling."""

import pytest
import torch

from scratchlm.model.counts import count_multiplied
from scratchlm.train.ceiling import matrix_shapes, measure_ceiling


def count_weights(shapes):
    return sum(rows * columns * n for (rows, columns), n in shapes.items())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tied": True},
        {"mlp": "relu2", "position": "learned"},
        {"n_experts": 4, "n_shared_experts": 1, "d_expert": 8},
    ],
)
def test_the_shapes_are_what_a_token_is_multiplied_by(build_model, changes):
    model = build_model(**changes)
    assert count_weights(matrix_shapes(model)) == count_multiplied(model.config)


def test_a_rate_lies_between_the_rates_that_it_is_made_of():
    shapes = {(64, 32): 3, (32, 128): 1}
    found = measure_ceiling(shapes, 2048, budget_s=0.05)
    assert set(found.by_shape) == set(shapes)
    rates = found.by_shape.values()
    assert min(rates) <= found.flops_per_s <= max(rates)
    halves = (found.forward_flops_per_s, found.backward_flops_per_s)
    assert min(halves) <= found.flops_per_s <= max(halves)
    assert (found.n_tokens, found.dtype) == (2048, "float32")


def test_a_shape_weighs_as_long_as_it_lasts():
    """Time-weighted: a million copies of one shape leave its own rate."""
    found = measure_ceiling({(64, 64): 1_000_000, (8, 8): 1}, 256, budget_s=0.02)
    assert found.flops_per_s == pytest.approx(found.by_shape[64, 64], rel=0.01)


def test_low_precision_is_measured_in_low_precision():
    found = measure_ceiling({(16, 16): 1}, 64, torch.bfloat16, budget_s=0.01)
    assert found.dtype == "bfloat16" and found.flops_per_s > 0
