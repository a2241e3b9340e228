import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.model.attention import Attention, attention
from scratchlm.model.causal_products import causal_attention
from scratchlm.model.config import ModelConfig
from scratchlm.model.mask import causal_mask
from scratchlm.model.position import rotary_table


def heads(n_batch, n_heads, n_tokens, d_head, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (n_batch, n_heads, n_tokens, d_head)
    return torch.randn(shape, generator=generator).requires_grad_()


def inputs(n_batch, groups, n_kv, n_tokens, d_head):
    q = heads(n_batch, groups * n_kv, n_tokens, d_head)
    k, v = (heads(n_batch, n_kv, n_tokens, d_head, seed) for seed in (1, 2))
    return q, k, v


def textbook(q, k, v):
    """softmax(q kᵀ / √D + mask) v, every head with keys of its own."""
    groups = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(groups, 1) for x in (k, v))
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
    n_tokens = q.shape[2]
    later = torch.ones(n_tokens, n_tokens, dtype=torch.bool).triu(1)
    return scores.masked_fill(later, -math.inf).softmax(-1) @ v


sizes = st.tuples(
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(1, 9),
    st.sampled_from([1, 4, 6]),
)


@given(sizes)
def test_products_and_the_fused_kernel_compute_the_textbook(size):
    """Values and all gradients, heads grouped or not, one token or many."""
    q, k, v = inputs(*size)
    upstream = heads(*q.shape, seed=3).detach()
    results = []
    for attend in (textbook, causal_attention, attention):
        out = attend(q, k, v)
        results.append((out.detach(), *torch.autograd.grad(out, (q, k, v), upstream)))
    for result in results[1:]:
        for found, expected in zip(result, results[0], strict=True):
            torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_the_written_backward_agrees_with_finite_differences():
    q, k, v = (x.detach().double().requires_grad_() for x in inputs(1, 2, 2, 5, 3))
    assert torch.autograd.gradcheck(causal_attention, (q, k, v))


@pytest.mark.parametrize("attend", [causal_attention, attention])
def test_grouped_queries_are_many_heads_with_repeated_keys(attend):
    q, k, v = inputs(2, 3, 2, 7, 4)
    many = attend(q, k.repeat_interleave(3, 1), v.repeat_interleave(3, 1))
    torch.testing.assert_close(attend(q, k, v), many)


@pytest.mark.parametrize("attend", [causal_attention, attention])
def test_equal_values_come_out_as_they_are(attend):
    """The weights of one token sum to 1."""
    q, k, _ = inputs(1, 2, 1, 6, 4)
    v = torch.full((1, 1, 6, 4), 2.5)
    torch.testing.assert_close(attend(q, k, v), torch.full((1, 2, 6, 4), 2.5))


@pytest.mark.parametrize("n_new", [1, 2, 6])
def test_new_tokens_see_what_came_before_and_no_later_one(n_new):
    q, k, v = inputs(2, 2, 2, 6, 4)
    found = attention(q[:, :, -n_new:], k, v)
    torch.testing.assert_close(found, textbook(q, k, v)[:, :, -n_new:])


def test_the_causal_mask_by_hand():
    mask = causal_mask(2, 4, torch.device("cpu"))
    expected = [[True, True, True, False], [True, True, True, True]]
    assert mask.tolist() == [[expected]]


def test_a_hidden_key_has_no_influence():
    q, k, v = inputs(2, 2, 1, 5, 4)
    mask = causal_mask(5, 5, q.device).repeat(2, 1, 1, 1)
    mask[1, :, 1:, 0] = False  # the second row may not look at its first token
    others = (torch.cat([torch.randn(2, 1, 1, 4), x[:, :, 1:]], 2) for x in (k, v))
    change = attention(q, *others, mask) - attention(q, k, v, mask)
    assert change[1, :, 1:].abs().max() == 0
    assert change[0, :, 1:].abs().max() > 0


@pytest.mark.parametrize("qk_norm", [True, False])
def test_training_and_inference_attend_alike(qk_norm):
    """Gradients choose the kernel; the numbers do not depend on it."""
    torch.manual_seed(0)
    sizes = {"n_heads": 4, "n_kv_heads": 2, "d_model": 16, "d_ff": 4}
    config = ModelConfig(vocab_size=4, n_layers=1, qk_norm=qk_norm, **sizes)
    module, x = Attention(config, 0), torch.randn(2, 7, 16)
    rotary = rotary_table(config.d_head, 7, 1e4)
    results = [module(x, rotary).detach()]
    module.kernel = "sdpa"
    results.append(module(x, rotary).detach())
    with torch.no_grad():
        results.append(module(x, rotary))
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], atol=1e-6, rtol=1e-5)


def test_heads_may_be_wider_than_the_stream_divides():
    config = ModelConfig(
        vocab_size=4, n_layers=1, n_heads=3, n_kv_heads=1, d_model=10, d_head=8, d_ff=4
    )
    module = Attention(config, 0)
    out = module(torch.randn(2, 5, 10), rotary_table(8, 5, 1e4))
    assert out.shape == (2, 5, 10)
