import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.model.attention import attention
from scratchlm.model.causal_products import causal_attention
from scratchlm.model.mask import document_mask, window_mask
from scratchlm.model.masked_products import masked_attention

CPU = torch.device("cpu")


def inputs(n_batch, groups, n_kv, n_tokens, d_head, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    heads = (groups * n_kv, n_kv, n_kv)
    return [
        torch.randn(n_batch, h, n_tokens, d_head, generator=generator)
        .to(dtype)
        .requires_grad_()
        for h in heads
    ]


def textbook(q, k, v, mask):
    groups = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(groups, 1) for x in (k, v))
    scores = q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])
    return scores.masked_fill(~mask, -math.inf).softmax(-1) @ v


def with_gradients(attend, qkv):
    out = attend(*qkv)
    upstream = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    return [out.detach(), *torch.autograd.grad(out, qkv, upstream)]


def documents(n_batch, n_tokens):
    drawn = torch.rand(n_batch, n_tokens, generator=torch.Generator().manual_seed(2))
    return 1 + (drawn < 0.2).cumsum(1)


def assert_alike(one, other):
    for found, expected in zip(one, other, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


sizes = st.tuples(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 2), st.integers(1, 9)
)


@given(sizes, st.integers(1, 10))
def test_a_window_computes_the_textbook(size, window):
    """Values and all gradients, and so does the fused kernel."""
    qkv = inputs(*size, 4)
    mask = window_mask(size[3], size[3], window, CPU)
    expected = with_gradients(lambda q, k, v: textbook(q, k, v, mask), qkv)
    for attend in (masked_attention, attention):
        assert_alike(with_gradients(partial(attend, window=window), qkv), expected)


@given(sizes)
def test_documents_compute_the_textbook(size):
    qkv = inputs(*size, 4)
    mask = document_mask(documents(size[0], size[3]))
    expected = with_gradients(lambda q, k, v: textbook(q, k, v, mask), qkv)
    assert_alike(with_gradients(lambda *x: masked_attention(*x, mask), qkv), expected)


@pytest.mark.parametrize("window", [1, 40, 64, 150, 700])
def test_blocks_leave_out_only_what_no_query_sees(window):
    """Longer than one block, with documents in the window, too."""
    n_tokens = 300
    qkv = inputs(1, 2, 1, n_tokens, 4)
    mask = document_mask(documents(1, n_tokens))
    mask = mask & window_mask(n_tokens, n_tokens, window, CPU)
    expected = with_gradients(lambda q, k, v: textbook(q, k, v, mask), qkv)
    found = with_gradients(lambda *x: masked_attention(*x, mask, window), qkv)
    assert_alike(found, expected)


def test_one_document_is_plain_causal_attention():
    qkv = inputs(2, 2, 2, 70, 8)
    mask = document_mask(torch.ones(2, 70, dtype=torch.long))
    assert_alike(
        with_gradients(lambda *x: masked_attention(*x, mask), qkv),
        with_gradients(causal_attention, qkv),
    )


def test_the_written_backward_agrees_with_finite_differences():
    qkv = inputs(2, 2, 1, 5, 3, torch.float64)
    mask = document_mask(torch.tensor([[1, 1, 2, 2, 2], [1, 2, 2, 0, 0]]))
    assert torch.autograd.gradcheck(lambda *x: masked_attention(*x, mask), qkv)
