import pytest
import torch

from scratchlm.train.optimizer import Optimizer
from scratchlm.train.soap import refreshed_basis

from .optimizing import SHAPES, build_config, copies, give_gradients, parameters

MATRICES = [name for name in SHAPES if "layers" in name and len(SHAPES[name]) > 1]


def test_the_first_step_only_makes_the_bases():
    tensors = parameters()
    before = copies(tensors)
    optimizer = Optimizer(tensors, build_config(optimizer="soap"))
    give_gradients(tensors, 0)
    optimizer.step(0, 1.0)
    state = optimizer.state_dict()
    for name in MATRICES:
        assert torch.equal(tensors[name], before[name])
        for side in ("left", "right"):
            basis, matrix = (state[f"{name}.{side}{end}"] for end in ("_basis", ""))
            rotated = basis.mT @ matrix @ basis
            off = rotated - torch.diag_embed(rotated.diagonal(dim1=-2, dim2=-1))
            assert off.abs().max() < 1e-3 * rotated.abs().max()


def test_with_the_unit_basis_soap_is_adam():
    """Diagonal gradients have the unit vectors as their bases."""
    name = "layers.0.self_attn.q_proj.weight"
    ours, theirs = torch.zeros(6, 6), torch.zeros(6, 6)
    diagonal = torch.diag(torch.arange(6.0, 0.0, -1.0))
    changes = {"matrix_lr": 0.1, "soap_refresh_steps": 1}
    soap = Optimizer({name: ours}, build_config(optimizer="soap", **changes))
    adamw = Optimizer({name: theirs}, build_config(optimizer="adamw", **changes))
    ours.grad = diagonal
    soap.step(0, 1.0)
    for step in range(3):
        ours.grad = theirs.grad = diagonal * (1 + 0.5 * step)
        soap.step(step + 1, 1.0)
        adamw.step(step, 1.0)
    torch.testing.assert_close(ours.diagonal(), theirs.diagonal(), rtol=0.2, atol=0)
    assert (ours - torch.diag(ours.diagonal())).abs().max() < 1e-4


def test_rotating_the_problem_rotates_the_steps():
    """What AdamW lacks: no axis is special."""
    generator = torch.Generator().manual_seed(0)
    gradients = torch.randn(4, 5, 5, generator=generator)
    left = torch.linalg.qr(torch.randn(5, 5, generator=generator)).Q
    right = torch.linalg.qr(torch.randn(5, 5, generator=generator)).Q
    ends = []
    for turn in (lambda g: g, lambda g: left @ g @ right):
        weight = {"layers.0.mlp.up_proj.weight": torch.zeros(5, 5)}
        config = build_config(optimizer="soap", epsilon=1e-6)
        optimizer = Optimizer(weight, config)
        for step, gradient in enumerate(gradients):
            for p in weight.values():
                p.grad = turn(gradient)
            optimizer.step(step, 1.0)
        ends.extend(weight.values())
    torch.testing.assert_close(left @ ends[0] @ right, ends[1], atol=0.01, rtol=0)


@pytest.mark.parametrize("stack", [(), (3,)])
def test_refreshing_turns_a_basis_towards_the_eigenvectors(stack):
    generator = torch.Generator().manual_seed(0)
    half = torch.randn(*stack, 6, 6, generator=generator)
    matrix = half @ half.mT
    basis = torch.eye(6).expand(*stack, 6, 6)
    for _ in range(200):
        basis, order = refreshed_basis(matrix, basis)
    assert torch.equal(order, torch.arange(6).expand(*stack, 6))
    rotated = basis.mT @ matrix @ basis
    values = torch.linalg.eigvalsh(matrix).flip(-1)
    found = rotated.diagonal(dim1=-2, dim2=-1)
    torch.testing.assert_close(found, values, rtol=1e-2, atol=1e-2)
