import pytest
import torch

from scratchlm.train.adamw import adamw_step, decay_weights
from scratchlm.train.groups import build_groups
from scratchlm.train.optimizer import Optimizer

from .optimizing import SHAPES, build_config, copies, give_gradients, parameters


@pytest.mark.parametrize("weight_decay", [0.0, 0.2])
def test_adamw_is_torchs_adamw(weight_decay):
    """With a rate of its own for each kind, decay where it is due, a moving rate."""
    ours, theirs = parameters(), parameters()
    config = build_config(optimizer="adamw", weight_decay=weight_decay)
    optimizer = Optimizer(ours, config)
    rows = [
        {
            "params": [theirs[name] for name in group.names],
            "lr": group.lr,
            "weight_decay": group.weight_decay,
        }
        for group in optimizer.groups
    ]
    reference = torch.optim.AdamW(rows, betas=(0.9, 0.95), eps=1e-10, foreach=False)
    rates = [group["lr"] for group in reference.param_groups]
    for step, frac in enumerate((0.5, 1.0, 1.0, 0.25)):
        for tensors in (ours, theirs):
            give_gradients(tensors, step)
        for group, lr in zip(reference.param_groups, rates, strict=True):
            group["lr"] = lr * frac
        optimizer.step(step, frac)
        reference.step()
    for name in SHAPES:
        torch.testing.assert_close(ours[name], theirs[name], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("first", [0, 7])
def test_a_first_step_moves_each_weight_by_the_rate(first):
    """Corrected for the zero start, m / √v is the gradient's sign; later it is not."""
    tensors = parameters()
    before = copies(tensors)
    config = build_config(optimizer="adamw")
    groups = build_groups(tensors, config)
    give_gradients(tensors, 0)
    for group in groups:
        adamw_step(group, config, 0.01, first)
    for name, tensor in tensors.items():
        moved = (before[name] - tensor) / 0.01
        found = torch.allclose(moved, tensor.grad.sign(), atol=1e-3)
        assert found == (first == 0)


def test_plain_decay_shrinks_every_weight():
    weight = torch.tensor([1.0, -2.0, 3.0])
    decay_weights(weight, torch.tensor([1.0, 1.0, -1.0]), 0.5)
    assert weight.tolist() == [0.5, -1.0, 1.5]


def test_cautious_decay_shrinks_where_the_update_points_to_zero():
    weight = torch.tensor([1.0, -2.0, 3.0, -4.0, 5.0])
    decay_weights(weight, torch.tensor([1.0, 1.0, -1.0, -1.0, 0.0]), 0.5, True)
    assert weight.tolist() == [0.5, -2.0, 3.0, -2.0, 5.0]


def test_adamws_cautious_decay_goes_by_the_update_of_this_very_step():
    """Decay moves only weights that the step without decay moves towards zero."""
    plain, decayed = parameters(), parameters()
    name, rule = "layers.0.mlp.up_proj.weight", {"optimizer": "adamw"}
    without = Optimizer(plain, build_config(**rule))
    caution = {"weight_decay": 0.5, "cautious_decay": True}
    cautious = Optimizer(decayed, build_config(**rule, **caution))
    for step in range(3):
        before = copies(plain)[name]
        decayed[name].copy_(before)
        for tensors, optimizer in ((plain, without), (decayed, cautious)):
            give_gradients(tensors, step)
            optimizer.step(step, 1.0)
        inwards = (plain[name] - before) * before < 0
        assert torch.equal(plain[name] != decayed[name], inwards)
    assert 0 < inwards.sum() < inwards.numel()
