import pytest
import torch

from scratchlm.train.optimizer import Optimizer

from .optimizing import SHAPES, build_config, give_gradients, parameters

KINDS = [
    {},
    {"optimizer": "adamw", "cautious_decay": True},
    {"optimizer": "soap", "soap_refresh_steps": 2},
    {"muon_row_variance": True, "muon_equilibrate": True, "cautious_decay": True},
    {"muon_split_heads": True, "muon_row_variance": True, "muon_scale": "rms"},
    {"momentum_start": 0.8, "momentum_warmup_steps": 3, "newton_schulz_steps": 3},
]


def build(tensors, changes):
    return Optimizer(tensors, build_config(weight_decay=0.1, **changes), d_head=2)


@pytest.mark.parametrize("changes", KINDS, ids=str)
def test_a_saved_state_goes_on_as_if_nothing_had_been(changes):
    straight, broken = parameters(), parameters()
    whole, first = build(straight, changes), build(broken, changes)
    for step in range(4):
        give_gradients(straight, step)
        whole.step(step, 1.0)
    for step in range(2):
        give_gradients(broken, step)
        first.step(step, 1.0)
    saved = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    second = build(broken, changes)
    second.load_state_dict(saved)
    for step in range(2, 4):
        give_gradients(broken, step)
        second.step(step, 1.0)
    assert all(torch.equal(straight[name], broken[name]) for name in SHAPES)


@pytest.mark.parametrize("changes", KINDS, ids=str)
def test_a_parameter_without_a_gradient_stays(changes):
    tensors = parameters()
    optimizer = build(tensors, changes)
    give_gradients(tensors, 0)
    optimizer.step(0, 1.0)
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    still = sorted(SHAPES)[::2]
    for name in still:
        tensors[name].grad = None
    optimizer.step(1, 1.0)
    for name, tensor in tensors.items():
        assert torch.equal(tensor, before[name]) == (name in still)
    for tensor in tensors.values():
        tensor.grad = None
    optimizer.step(2, 1.0)


@pytest.mark.parametrize("changes", KINDS, ids=str)
def test_steps_downhill_reach_the_bottom(changes):
    """½ (w - goal)², from its gradient with a little noise."""
    tensors, ways = parameters(), parameters(seed=1)
    goals = {name: tensor + 0.2 * ways[name] for name, tensor in tensors.items()}
    rates = dict.fromkeys(("matrix_lr", "embed_lr", "head_lr", "vector_lr"), 0.1)
    optimizer = Optimizer(tensors, build_config(**rates, **changes), d_head=2)
    generator = torch.Generator().manual_seed(0)
    for step in range(70):
        for name, goal in goals.items():
            noise = 0.01 * torch.randn(goal.shape, generator=generator)
            tensors[name].grad = tensors[name] - goal + noise
        optimizer.step(step, 1 - step / 70)
    for name, goal in goals.items():
        assert (tensors[name] - goal).abs().max() < 0.1, name


def test_a_rate_of_zero_moves_nothing():
    tensors = parameters()
    optimizer = build(tensors, {})
    give_gradients(tensors, 0)
    optimizer.step(0, 0.0)
    assert all(torch.equal(tensors[name], p) for name, p in parameters().items())
