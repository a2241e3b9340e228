import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.model.config import ModelConfig
from scratchlm.model.position import (
    build_rotary,
    rotary_sharpness,
    rotary_table,
    rotate,
)

THETA = 10_000.0


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def rotated(x, position, d_head):
    cos, sin = rotary_table(d_head, position + 1, THETA)
    return rotate(x, cos[position:], sin[position:])


def test_the_angles_by_hand():
    cos, sin = rotary_table(4, 3, 100.0)
    # frequencies 1 and 100^(-1/2) = 0.1
    for position in range(3):
        for channel, frequency in enumerate((1.0, 0.1)):
            angle = position * frequency
            assert math.isclose(cos[position, channel], math.cos(angle), abs_tol=1e-7)
            assert math.isclose(sin[position, channel], math.sin(angle), abs_tol=1e-7)


@given(
    st.integers(0, 200), st.integers(0, 200), st.integers(0, 200), st.integers(1, 16)
)
def test_a_product_depends_on_the_distance_alone(m, n, shift, half):
    d_head = 2 * half
    q, k = random(1, 1, 1, d_head), random(1, 1, 1, d_head, seed=1)

    def product(a, b):
        return (rotated(q, a, d_head) * rotated(k, b, d_head)).sum()

    torch.testing.assert_close(
        product(m, n), product(m + shift, n + shift), atol=1e-3, rtol=1e-4
    )


def test_a_rotation_is_a_product_with_complex_numbers():
    """Channels i and i + D/2 are the real and imaginary part of one number."""
    x = random(2, 3, 5, 8)
    cos, sin = rotary_table(8, 5, THETA)
    turned = torch.complex(x[..., :4], x[..., 4:]) * torch.complex(cos, sin)
    expected = torch.cat([turned.real, turned.imag], -1)
    torch.testing.assert_close(rotate(x, cos, sin), expected)


def test_lengths_stay_and_position_zero_changes_nothing():
    x = random(2, 3, 5, 8)
    turned = rotate(x, *rotary_table(8, 5, THETA))
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    assert torch.equal(turned[:, :, 0], x[:, :, 0])
    assert not torch.allclose(turned[:, :, 1:], x[:, :, 1:])


def test_the_backward_turns_back():
    x = random(2, 3, 5, 8).requires_grad_()
    table = rotary_table(8, 5, THETA)
    upstream = rotate(random(2, 3, 5, 8, seed=1), *table)
    (grad,) = torch.autograd.grad(rotate(x, *table), x, upstream)
    torch.testing.assert_close(grad, random(2, 3, 5, 8, seed=1))


def test_without_gradients_the_same_values_come_out():
    x, table = random(2, 3, 5, 8), rotary_table(8, 5, THETA)
    with torch.no_grad():
        assert torch.equal(rotate(x, *table), rotate(x.requires_grad_(), *table))


def test_each_row_may_have_positions_of_its_own():
    x = random(2, 3, 5, 8)
    cos, sin = rotary_table(8, 9, THETA)
    places = torch.tensor([[0, 1, 2, 3, 4], [4, 5, 6, 7, 8]])
    together = rotate(x, cos[places][:, None], sin[places][:, None])
    for row, start in enumerate((0, 4)):
        alone = rotate(x[row : row + 1], cos[start : start + 5], sin[start : start + 5])
        torch.testing.assert_close(together[row : row + 1], alone)


def table(**changes):
    sizes = {"vocab_size": 4, "n_layers": 1, "n_heads": 1, "n_kv_heads": 1, "d_ff": 4}
    values = {"d_model": 64, "context_length": 4096, **sizes, **changes}
    config = ModelConfig.model_validate(values)
    return config, *build_rotary(config)


def test_without_scaling_the_table_is_the_plain_one():
    _, cos, sin = table()
    plain = rotary_table(64, 4096, THETA)
    assert torch.equal(cos, plain[0]) and torch.equal(sin, plain[1])


def test_linear_scaling_puts_every_fourth_token_where_the_next_one_was():
    _, cos, sin = table(rope_scaling="linear", rope_factor=4)
    plain = rotary_table(64, 1024, THETA)
    torch.testing.assert_close(cos[::4], plain[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(sin[::4], plain[1], atol=1e-6, rtol=0)


def test_yarn_leaves_fast_channels_and_stretches_slow_ones():
    config, cos, sin = table(rope_scaling="yarn", rope_factor=4)
    assert config.original_context == 1024
    length = rotary_sharpness(config)
    assert math.isclose(length, 0.1 * math.log(4) + 1)
    torch.testing.assert_close(
        cos.square() + sin.square(), torch.full_like(cos, length**2)
    )
    plain, stretched = (
        rotary_table(64, 4096, THETA),
        table(rope_scaling="linear", rope_factor=4)[1:],
    )
    # over 1,024 tokens the first pair turns 163 times, the last 0.02 times
    torch.testing.assert_close(sin[:, 0], plain[1][:, 0] * length)
    torch.testing.assert_close(sin[:, -1], stretched[1][:, -1] * length)


def test_a_sharpened_turn_has_the_gradient_of_finite_differences():
    _, cos, sin = table(rope_scaling="yarn", rope_factor=4, d_model=6)
    x = random(1, 2, 3, 6).double().requires_grad_()
    inputs = (x, cos[:3].double(), sin[:3].double())
    assert torch.autograd.gradcheck(rotate, inputs)
