import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from scratchlm.model import loss as loss_module
from scratchlm.model.loss import (
    chunked_cross_entropy,
    softcapped,
    token_log_probs,
)

V, C = 13, 6


def problem(n_rows, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(n_rows, C, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(V, C, generator=generator).to(dtype).requires_grad_()
    targets = torch.randint(V, (n_rows,), generator=generator)
    return hidden, weight, targets


def whole(hidden, weight, targets, row_weights, softcap=None, z_loss=0.0):
    """The loss as torch computes it from all logits."""
    logits = (hidden @ weight.t()).float()
    if softcap is not None:
        logits = softcap * torch.tanh(logits / softcap)
    losses = F.cross_entropy(logits, targets, reduction="none")
    return (losses + z_loss * logits.logsumexp(-1) ** 2) @ row_weights


def close_gradients(found, expected, inputs):
    ours = torch.autograd.grad(3 * found, inputs)
    theirs = torch.autograd.grad(3 * expected, inputs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


@pytest.fixture(autouse=True, params=[1024, 5])
def chunk_rows_limit(request, monkeypatch):
    monkeypatch.setattr(loss_module, "count_loss_rows", lambda *_: request.param)
    return request.param


@pytest.mark.parametrize("n_rows", [1, 5, 12])
@pytest.mark.parametrize("extra", [{}, {"softcap": 1.5}, {"z_loss": 0.1}])
def test_loss_and_gradients_are_those_of_all_logits_at_once(n_rows, extra):
    hidden, weight, targets = problem(n_rows)
    row_weights = torch.rand(n_rows) * (torch.rand(n_rows) > 0.3)
    found = chunked_cross_entropy(hidden, weight, targets, row_weights, **extra)
    expected = whole(hidden, weight, targets, row_weights, **extra)
    torch.testing.assert_close(found, expected)
    close_gradients(found, expected, (hidden, weight))


def test_softcap_and_z_loss_together_have_the_right_gradients():
    hidden, weight, targets = problem(12)
    extra = {"softcap": 2.0, "z_loss": 0.05}
    row_weights = torch.full((12,), 1 / 12)
    found = chunked_cross_entropy(hidden, weight, targets, row_weights, **extra)
    expected = whole(hidden, weight, targets, row_weights, **extra)
    torch.testing.assert_close(found, expected)
    close_gradients(found, expected, (hidden, weight))
    with torch.no_grad():
        plain = chunked_cross_entropy(hidden, weight, targets, row_weights, **extra)
    torch.testing.assert_close(plain, expected.detach())


def test_a_row_that_does_not_count_changes_nothing():
    hidden, weight, targets = problem(8)
    row_weights = torch.tensor([0.25, 0, 0.25, 0, 0.25, 0, 0.25, 0])
    counted = row_weights > 0
    found = chunked_cross_entropy(hidden, weight, targets, row_weights)
    mean = F.cross_entropy(hidden[counted] @ weight.t(), targets[counted])
    torch.testing.assert_close(found, mean)
    grad_hidden, grad_weight = torch.autograd.grad(found, (hidden, weight))
    assert grad_hidden[~counted].abs().max() == 0
    torch.testing.assert_close(grad_weight, torch.autograd.grad(mean, weight)[0])


def test_where_nothing_counts_the_loss_is_zero():
    hidden, weight, targets = problem(4)
    loss = chunked_cross_entropy(hidden, weight, targets, torch.zeros(4))
    loss.backward()
    assert loss == 0
    assert hidden.grad.abs().max() == weight.grad.abs().max() == 0


def test_without_gradients_the_same_value_comes_out():
    hidden, weight, targets = problem(12)
    row_weights = torch.full((12,), 1 / 12)
    with torch.no_grad():
        plain = chunked_cross_entropy(hidden, weight, targets, row_weights)
    found = chunked_cross_entropy(hidden, weight, targets, row_weights)
    torch.testing.assert_close(plain, found.detach())


def test_half_precision_products_give_float32_losses_and_close_gradients():
    hidden, weight, targets = problem(12, torch.bfloat16)
    row_weights = torch.full((12,), 1 / 12)
    found = chunked_cross_entropy(hidden, weight, targets, row_weights)
    assert found.dtype == torch.float32
    found.backward()
    wide = [x.detach().float().requires_grad_() for x in (hidden, weight)]
    exact = whole(*wide, targets, row_weights)
    exact.backward()
    assert abs(found - exact) < 0.02
    for low, high in zip((hidden, weight), wide, strict=True):
        assert low.grad.dtype == torch.bfloat16
        torch.testing.assert_close(low.grad.float(), high.grad, atol=0.02, rtol=0.05)


def test_float16_keeps_gradients_that_one_over_a_large_batch_would_lose():
    hidden, weight, targets = problem(12, torch.float16)
    n_tokens, loss_scale = 2**20, 2.0**18  # 1 / n_tokens is below float16's 1 / 2^16
    row_weights = torch.full((12,), 1 / n_tokens)
    found = loss_scale * chunked_cross_entropy(hidden, weight, targets, row_weights)
    found.backward()
    wide = [x.detach().float().requires_grad_() for x in (hidden, weight)]
    (loss_scale * whole(*wide, targets, row_weights)).backward()
    for low, high in zip((hidden, weight), wide, strict=True):
        torch.testing.assert_close(low.grad.float(), high.grad, atol=2e-3, rtol=2e-2)


def test_a_wide_weight_beside_narrow_rows_keeps_a_wide_gradient(chunk_rows_limit):
    hidden, weight, targets = problem(12, torch.bfloat16)
    master = weight.detach().float().requires_grad_()
    row_weights = torch.full((12,), 1 / 12)
    found = chunked_cross_entropy(hidden, master, targets, row_weights)
    narrow = chunked_cross_entropy(hidden, weight, targets, row_weights)
    assert torch.equal(found, narrow)
    (wide,) = torch.autograd.grad(found, master)
    (rounded,) = torch.autograd.grad(narrow, weight)
    assert wide.dtype == torch.float32
    assert torch.equal(wide.to(torch.bfloat16), rounded)
    if chunk_rows_limit < 12:  # several chunks, summed in float32
        assert not torch.equal(wide, rounded.float())


def test_a_frozen_head_gets_no_gradient_and_changes_nothing_else():
    hidden, weight, targets = problem(12)
    row_weights = torch.full((12,), 1 / 12)
    frozen = weight.detach()
    one = chunked_cross_entropy(hidden, frozen, targets, row_weights)
    other = chunked_cross_entropy(hidden, weight, targets, row_weights)
    assert torch.equal(one, other)
    (a,), (b,) = (
        torch.autograd.grad(one, [hidden]),
        torch.autograd.grad(other, [hidden]),
    )
    assert torch.equal(a, b)


def test_huge_logits_stay_finite():
    hidden, weight, targets = problem(6)
    loss = chunked_cross_entropy(
        hidden * 1e4, weight * 1e3, targets, torch.full((6,), 1 / 6)
    )
    assert torch.isfinite(loss)


@given(st.integers(1, 12), st.sampled_from([None, 1.5]))
def test_log_probabilities_are_those_of_the_softmax(n_rows, softcap):
    hidden, weight, targets = problem(n_rows)
    found = token_log_probs(hidden, weight, targets, softcap=softcap)
    logits = softcapped(hidden @ weight.t(), softcap)
    expected = logits.log_softmax(-1).gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(found, expected)
    close_gradients(found.sum(), expected.sum(), (hidden, weight))


def test_recomputed_log_probabilities_keep_no_logits_and_the_same_gradients(
    monkeypatch,
):
    hidden, weight, targets = problem(12)
    kept = token_log_probs(hidden, weight, targets)
    monkeypatch.setattr(loss_module, "KEPT_BYTES", 0)
    sizes = []

    def note(tensor):
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        found = token_log_probs(hidden, weight, targets)
    assert max(sizes, default=0) < 12 * V
    assert torch.equal(found, kept)
    ours = torch.autograd.grad(found.sum(), (hidden, weight))
    theirs = torch.autograd.grad(kept.sum(), (hidden, weight))
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@given(st.floats(-1e4, 1e4), st.floats(0.5, 50))
def test_a_soft_cap_bounds_keeps_the_order_and_leaves_small_logits_alone(x, cap):
    logits = torch.tensor([x, x + 1, cap / 1000])
    found = softcapped(logits, cap)
    assert found.abs().max() <= cap
    assert found[0] <= found[1]
    torch.testing.assert_close(found[2], logits[2], rtol=1e-5, atol=0)
    assert softcapped(logits, None) is logits
