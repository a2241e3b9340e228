import pytest
import torch
from torch.nn import functional as F

from scratchlm.train.objective import NextToken


@pytest.fixture
def window():
    """Eight rows of which some tokens, and one whole row, do not count."""
    generator = torch.Generator().manual_seed(0)
    stream = torch.randint(32, (8, 9), generator=generator)
    mask = torch.rand(8, 8, generator=generator) < 0.6
    mask[5] = False
    return {"tokens": stream[:, :-1], "targets": stream[:, 1:], "loss_mask": mask}


def gradients(model, window, size):
    """Total loss and gradients of a window taken in parts of some rows."""
    total = torch.zeros(())
    for at in range(0, 8, size):
        part = {name: tensor[at : at + size] for name, tensor in window.items()}
        loss, metrics = NextToken()(model, part, window)
        assert metrics == {}
        loss.backward()
        total += loss.detach()
    return total, {name: p.grad for name, p in model.named_parameters()}


def test_the_loss_is_the_mean_over_the_counted_tokens(build_model, window):
    model = build_model(norm_placement="post")
    loss, _ = NextToken()(model, window, window)
    mask = window["loss_mask"]
    logits = model(window["tokens"])[mask]
    expected = F.cross_entropy(logits, window["targets"][mask])
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_parts_of_a_window_add_up_to_the_window(build_model, window, size):
    """Though the parts hold different numbers of counted tokens."""
    whole = gradients(build_model(norm_placement="post"), window, 8)
    parts = gradients(build_model(norm_placement="post"), window, size)
    torch.testing.assert_close(parts[0], whole[0])
    for name, expected in whole[1].items():
        torch.testing.assert_close(parts[1][name], expected, atol=1e-6, rtol=1e-4)


def test_a_window_without_a_counted_token_teaches_nothing(build_model, window):
    window["loss_mask"][:] = False
    loss, grads = gradients(build_model(norm_placement="post"), window, 8)
    assert loss == 0
    assert all(grad.abs().max() == 0 for grad in grads.values())
