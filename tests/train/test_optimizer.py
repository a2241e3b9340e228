import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.train.config import TrainConfig
from scratchlm.train.optimizer import Optimizer, orthogonalise

LEAST = {"total_steps": 1, "batch_size": 1, "micro_batch_size": 1, "context_length": 1}
SHAPES = {
    "embed_tokens.weight": (11, 6),
    "layers.0.mlp.up_proj.weight": (9, 6),
    "layers.0.mlp.down_proj.weight": (6, 9),
    "layers.0.input_layernorm.weight": (6,),
    "lm_head.weight": (11, 6),
}
RATES = {"matrix_lr": 0.04, "embed_lr": 0.03, "head_lr": 0.02, "vector_lr": 0.01}
RATE_OF = dict(
    zip(
        SHAPES,
        ("embed_lr", "matrix_lr", "matrix_lr", "vector_lr", "head_lr"),
        strict=True,
    )
)


def parameters(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {n: torch.randn(s, generator=generator) for n, s in SHAPES.items()}


def give_gradients(tensors, step):
    generator = torch.Generator().manual_seed(1000 + step)
    for name in SHAPES:
        tensors[name].grad = torch.randn(SHAPES[name], generator=generator)


def config(**changes):
    return TrainConfig(**LEAST, **RATES, **changes)


@pytest.mark.parametrize("weight_decay", [0.0, 0.2])
def test_adamw_is_torchs_adamw(weight_decay):
    """With a rate of its own for each kind, decay on matrices only, a moving rate."""
    ours, theirs = parameters(), parameters()
    optimizer = Optimizer(ours, config(optimizer="adamw", weight_decay=weight_decay))
    reference = torch.optim.AdamW(
        [
            {
                "params": [theirs[name]],
                "lr": RATES[RATE_OF[name]],
                "weight_decay": weight_decay if len(SHAPES[name]) == 2 else 0.0,
            }
            for name in SHAPES
        ],
        betas=(0.9, 0.95),
        eps=1e-10,
    )
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


@given(
    st.integers(1, 24), st.integers(1, 24), st.integers(0, 100), st.sampled_from([5, 8])
)
def test_orthogonalising_brings_singular_values_near_one(rows, columns, seed, steps):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(rows, columns, generator=generator)
    values = torch.linalg.svdvals(matrix)
    found = torch.linalg.svdvals(orthogonalise((matrix)[None], steps)[0])
    large = values > 0.02 * values[0]  # what is smaller needs more iterations
    assert found.shape == values.shape
    assert (found[large] - 1).abs().max() < 0.35
    assert found.max() < 1.35


def test_orthogonalising_keeps_the_singular_vectors():
    matrix = torch.randn(8, 12, generator=torch.Generator().manual_seed(0))
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    torch.testing.assert_close(
        orthogonalise((matrix)[None], 12)[0], u @ vh, atol=0.1, rtol=0
    )


@pytest.mark.parametrize("factor", [1e-3, 1e6])
def test_the_size_of_a_gradient_plays_no_part(factor):
    matrix = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        orthogonalise((factor * matrix)[None], 5)[0],
        orthogonalise((matrix)[None], 5)[0],
        atol=0.02,
        rtol=0,
    )


def test_no_gradient_moves_no_matrix():
    assert orthogonalise(torch.zeros(2, 3, 4), 5).abs().max() == 0


def test_a_muon_step_by_hand():
    tensors = parameters()
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    optimizer = Optimizer(tensors, config(weight_decay=0.5, momentum=0.9))
    give_gradients(tensors, 0)
    optimizer.step(0, 0.5)
    lr = 0.5 * RATES["matrix_lr"]
    for name, scale in (
        ("layers.0.mlp.up_proj.weight", (9 / 6) ** 0.5),
        ("layers.0.mlp.down_proj.weight", 1.0),
    ):
        grad = tensors[name].grad
        # momentum 0.1 g, then the Nesterov look ahead: 0.1 g + 0.9 · 0.1 g
        update = orthogonalise((0.19 * grad)[None], 5)[0]
        expected = before[name] * (1 - lr * 0.5) - lr * scale * update
        torch.testing.assert_close(tensors[name], expected, atol=1e-5, rtol=1e-5)


def test_muon_moves_matrices_of_blocks_and_adamw_the_rest():
    groups = Optimizer(parameters(), config(weight_decay=0.5)).groups
    found = {name: group for group in groups for name in group.names}
    assert found.keys() == SHAPES.keys()
    for name, group in found.items():
        assert group.lr == RATES[RATE_OF[name]]
        assert group.is_muon == (".mlp." in name)
        assert group.weight_decay == (0.0 if len(SHAPES[name]) == 1 else 0.5)
    plain = Optimizer(parameters(), config(optimizer="adamw")).groups
    assert not any(group.is_muon for group in plain)


def test_a_parameter_without_a_gradient_stays():
    tensors = parameters()
    optimizer = Optimizer(tensors, config(weight_decay=0.5))
    optimizer.step(0, 1.0)
    for name, tensor in parameters().items():
        assert torch.equal(tensors[name], tensor)


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_a_saved_state_goes_on_as_if_nothing_had_been(kind):
    straight, broken = parameters(), parameters()
    whole = Optimizer(straight, config(optimizer=kind))
    first = Optimizer(broken, config(optimizer=kind))
    for step in range(4):
        give_gradients(straight, step)
        whole.step(step, 1.0)
    for step in range(2):
        give_gradients(broken, step)
        first.step(step, 1.0)
    saved = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    second = Optimizer(broken, config(optimizer=kind))
    second.load_state_dict(saved)
    for step in range(2, 4):
        give_gradients(broken, step)
        second.step(step, 1.0)
    assert all(torch.equal(straight[name], broken[name]) for name in SHAPES)
