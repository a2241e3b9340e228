import pytest
import torch

from scratchlm.train import muon
from scratchlm.train.newton_schulz import orthogonalise
from scratchlm.train.optimizer import Optimizer

from .optimizing import RATES, SHAPES, build_config, copies, give_gradients, parameters

UP, DOWN = "layers.0.mlp.up_proj.weight", "layers.0.mlp.down_proj.weight"
Q, O = (f"layers.0.self_attn.{kind}_proj.weight" for kind in "qo")  # noqa: E741
EXPERTS = "layers.1.mlp.up_proj"


def step_once(d_head=None, **changes):
    """Parameters before and after one step, with their gradients."""
    tensors = parameters()
    before = copies(tensors)
    optimizer = Optimizer(tensors, build_config(**changes), d_head)
    give_gradients(tensors, 0)
    optimizer.step(0, 1.0)
    return before, tensors


def moved(name, **changes):
    """What a step with rate 1 and scale 1 would subtract, and the gradient."""
    before, after = step_once(**changes)
    scale = muon.update_scale("shape", *before[name].shape[-2:])
    difference = (before[name] - after[name]) / (RATES["matrix_lr"] * scale)
    return difference, after[name].grad


def test_a_muon_step_by_hand():
    tensors = parameters()
    before = copies(tensors)
    optimizer = Optimizer(tensors, build_config(weight_decay=0.5, momentum=0.9))
    give_gradients(tensors, 0)
    optimizer.step(0, 0.5)
    lr = 0.5 * RATES["matrix_lr"]
    for name, scale in ((UP, (9 / 6) ** 0.5), (DOWN, 1.0)):
        grad = tensors[name].grad
        # momentum 0.1 g, then the Nesterov look ahead: 0.1 g + 0.9 · 0.1 g
        update = orthogonalise((0.19 * grad)[None], 5)[0]
        expected = before[name] * (1 - lr * 0.5) - lr * scale * update
        torch.testing.assert_close(tensors[name], expected, atol=1e-5, rtol=1e-5)


def test_experts_are_a_stack_of_matrices():
    update, gradient = moved(EXPERTS)
    for one, expert in zip(update, gradient, strict=True):
        expected = orthogonalise(expert[None], 5)[0]
        torch.testing.assert_close(one, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("d_head", [2, 4])
def test_split_heads_are_made_orthogonal_each_by_itself(d_head):
    update, gradient = moved(Q, d_head=d_head, muon_split_heads=True)
    for rows in range(0, 8, d_head):
        part = slice(rows, rows + d_head)
        expected = orthogonalise(gradient[None, part], 5)[0]
        torch.testing.assert_close(update[part], expected, atol=1e-4, rtol=0)
    update, gradient = moved(O, d_head=d_head, muon_split_heads=True)
    for columns in range(0, 8, d_head):
        part = slice(columns, columns + d_head)
        expected = orthogonalise(gradient[None, :, part], 5)[0]
        torch.testing.assert_close(update[:, part], expected, atol=1e-4, rtol=0)


def test_splitting_heads_leaves_all_but_attention_alone():
    _, whole = step_once()
    _, split = step_once(d_head=2, muon_split_heads=True)
    for name in SHAPES:
        same = torch.allclose(whole[name], split[name], atol=1e-6)
        assert same == (name not in (Q, O)), name


def test_equal_rows_go_into_the_iteration():
    update, gradient = moved(DOWN, muon_equilibrate=True)
    rows = gradient / gradient.norm(dim=1, keepdim=True)
    expected = orthogonalise(rows[None], 5)[0]
    torch.testing.assert_close(update, expected, atol=1e-4, rtol=0)
    assert muon.equilibrate_rows(torch.zeros(1, 2, 3)).abs().max() == 0


def test_row_variance_makes_rows_alike_and_keeps_the_norm():
    update = torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(0))
    update[:, 3] *= 100
    rows = torch.zeros(2, 8, 1)
    balanced = muon.normalise_rows(update, rows, 0.95)
    lengths = balanced.norm(dim=-1)
    torch.testing.assert_close(lengths, lengths[:, :1].expand_as(lengths))
    norms = [torch.linalg.matrix_norm(x) for x in (update, balanced)]
    torch.testing.assert_close(*norms)
    torch.testing.assert_close(rows, 0.05 * update.square().mean(-1, keepdim=True))
    again = muon.normalise_rows(update.flip(1), rows, 0.95).norm(dim=-1)
    assert again.std() > 0.1  # a row is measured against its own past


@pytest.mark.parametrize("name", [UP, Q, O, EXPERTS])
def test_row_variance_works_on_every_kind_of_matrix(name):
    before, after = step_once(d_head=2, muon_split_heads=True, muon_row_variance=True)
    lengths = (before[name] - after[name]).norm(dim=-1)
    first = lengths.flatten(0, -2)[:1] if lengths.dim() > 1 else lengths[:1]
    torch.testing.assert_close(lengths[..., :1].flatten(), lengths[..., 1].flatten())
    assert first.min() > 0


@pytest.mark.parametrize(
    ("kind", "n_rows", "n_columns", "expected"),
    [
        ("shape", 12, 3, 2.0),
        ("shape", 3, 12, 1.0),
        ("rms", 25, 16, 1.0),
        ("rms", 4, 100, 2.0),
    ],
)
def test_scales_by_hand(kind, n_rows, n_columns, expected):
    assert muon.update_scale(kind, n_rows, n_columns) == pytest.approx(expected)


def test_the_rms_scale_makes_a_step_as_large_as_adamws():
    generator = torch.Generator().manual_seed(0)
    for shape in ((24, 24), (24, 96), (96, 24)):
        matrix = torch.randn(1, *shape, generator=generator)
        update = orthogonalise(matrix, 8) * muon.update_scale("rms", *shape)
        assert float(update.square().mean().sqrt()) == pytest.approx(0.2, rel=0.1)


def test_decay_is_cautious_where_it_is_asked_to_be():
    plain = moved(UP)[0]
    decayed = moved(UP, weight_decay=0.5, cautious_decay=True)[0]
    agreed = parameters()[UP] * plain > 0
    assert torch.equal((plain - decayed).abs() > 1e-6, agreed)


def test_momentum_rises_along_a_line():
    config = build_config(
        momentum_start=0.85, momentum_warmup_steps=4, momentum=0.95, total_steps=9
    )
    found = [muon.momentum_at(config, step) for step in range(6)]
    assert found == pytest.approx([0.85, 0.875, 0.9, 0.925, 0.95, 0.95])
    assert muon.momentum_at(build_config(), 0) == build_config().momentum


def test_the_iterations_run_in_float32_on_a_processor_unless_told():
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert muon.iteration_dtype(build_config(), cpu) == torch.float32
    assert muon.iteration_dtype(build_config(), gpu) == torch.bfloat16
    told = build_config(newton_schulz_dtype="bfloat16")
    assert muon.iteration_dtype(told, cpu) == torch.bfloat16
