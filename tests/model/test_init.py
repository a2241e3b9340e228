import pytest
import torch

from scratchlm.model.config import ModelConfig
from scratchlm.model.init import draw_parameter

CONFIG = ModelConfig(
    vocab_size=64,
    n_layers=3,
    n_heads=4,
    n_kv_heads=2,
    d_model=64,
    d_ff=96,
    embedding_std=0.8,
    head_std=0.001,
)


def drawn(name, *shape, seed=0, **changes):
    parameter = torch.full(shape, torch.nan)
    draw_parameter(CONFIG.model_copy(update=changes), name, parameter, seed)
    return parameter


@pytest.mark.parametrize(
    ("name", "shape", "std"),
    [
        ("embed_tokens.weight", (64, 64), 0.8),
        ("lm_head.weight", (64, 64), 0.001),
        ("value_embeddings.1.weight", (64, 32), 1 / 8),
        ("layers.0.self_attn.q_proj.weight", (64, 64), 1 / 8),
        ("layers.0.mlp.gate_proj", (4, 96, 64), 1 / 8),
        ("layers.0.mlp.router.weight", (64, 64), 1 / 8),
    ],
)
def test_each_kind_has_its_spread(name, shape, std):
    assert drawn(name, *shape).std().item() == pytest.approx(std, rel=0.1)


@pytest.mark.parametrize("name", ["self_attn.o_proj.weight", "mlp.down_proj"])
def test_outputs_begin_at_zero_or_small(name):
    shape = (4, 64, 96) if name == "mlp.down_proj" else (64, 96)
    name, plain = f"layers.0.{name}", 96**-0.5
    assert not drawn(name, *shape).any()
    scaled = drawn(name, *shape, output_init="scaled").std().item()
    assert scaled == pytest.approx(plain / 6**0.5, rel=0.1)
    after = drawn(name, *shape, norm_placement="post").std().item()
    assert after == pytest.approx(plain, rel=0.1)


def test_vectors_are_gains_biases_and_ramps():
    assert drawn("norm.weight", 4).tolist() == [1, 1, 1, 1]
    assert drawn("layers.0.self_attn.q_proj.bias", 4).tolist() == [0, 0, 0, 0]
    assert not drawn("layers.0.self_attn.value_gate.weight", 2, 12).any()
    residual, embedding = drawn("residual_scales", 3), drawn("embedding_scales", 3)
    torch.testing.assert_close(residual, torch.tensor([1.15, 1.10, 1.05]))
    torch.testing.assert_close(embedding, torch.tensor([0.20, 0.125, 0.05]))
    assert drawn("residual_scales", 1).tolist() == pytest.approx([1.15])


def test_a_seed_and_a_name_decide_the_values():
    name = "layers.0.self_attn.q_proj.weight"
    one = drawn(name, 8, 8)
    torch.rand(3)
    assert torch.equal(one, drawn(name, 8, 8)), "whatever was drawn before"
    assert not torch.equal(one, drawn(name, 8, 8, seed=1))
    assert not torch.equal(one, drawn(name.replace("0", "1"), 8, 8))


def test_without_a_seed_the_global_generator_is_used():
    name, found = "layers.0.self_attn.q_proj.weight", []
    for _ in range(2):
        torch.manual_seed(3)
        found.append([drawn(name, 8, 8, seed=None) for _ in range(2)])
    assert torch.equal(found[0][1], found[1][1])
    assert not torch.equal(*found[0])
