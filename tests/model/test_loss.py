import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from scratchlm.model import loss as loss_module
from scratchlm.model.loss import chunked_cross_entropy, token_log_probs

V, C = 13, 6


def problem(n_rows, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(n_rows, C, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(V, C, generator=generator).to(dtype).requires_grad_()
    targets = torch.randint(V, (n_rows,), generator=generator)
    return hidden, weight, targets


def whole(hidden, weight, targets, row_weights):
    """The loss as torch computes it from all logits."""
    logits = (hidden @ weight.t()).float()
    return F.cross_entropy(logits, targets, reduction="none") @ row_weights


@pytest.fixture(autouse=True, params=[1024, 5])
def chunk_rows(request, monkeypatch):
    monkeypatch.setattr(loss_module, "CHUNK_ROWS", request.param)


@pytest.mark.parametrize("n_rows", [1, 5, 12])
def test_loss_and_gradients_are_those_of_all_logits_at_once(n_rows):
    hidden, weight, targets = problem(n_rows)
    row_weights = torch.rand(n_rows) * (torch.rand(n_rows) > 0.3)
    found = chunked_cross_entropy(hidden, weight, targets, row_weights)
    expected = whole(hidden, weight, targets, row_weights)
    torch.testing.assert_close(found, expected)
    ours = torch.autograd.grad(3 * found, (hidden, weight))
    theirs = torch.autograd.grad(3 * expected, (hidden, weight))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


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


def test_huge_logits_stay_finite():
    hidden, weight, targets = problem(6)
    loss = chunked_cross_entropy(
        hidden * 1e4, weight * 1e3, targets, torch.full((6,), 1 / 6)
    )
    assert torch.isfinite(loss)


@given(st.integers(1, 12))
def test_log_probabilities_are_those_of_the_softmax(n_rows):
    hidden, weight, targets = problem(n_rows)
    found = token_log_probs(hidden, weight, targets)
    expected = (hidden @ weight.t()).log_softmax(-1).gather(1, targets[:, None])[:, 0]
    torch.testing.assert_close(found, expected)
    ours = torch.autograd.grad(found.sum(), (hidden, weight))
    theirs = torch.autograd.grad(expected.sum(), (hidden, weight))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
