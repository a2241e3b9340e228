"""Laws of counting: published sizes, and the real model to the last parameter."""

from itertools import product

import pytest

from scratchlm.model.config import ModelConfig
from scratchlm.plan import count_parameters, preset
from scratchlm.plan.parameters import count_multiplied


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("gpt2-124m", 124_439_808),
        ("1b", 1_235_814_400),
        ("7b", 6_738_415_616),
        ("70b", 70_553_706_496),
    ],
)
def test_the_presets_have_the_published_number_of_parameters(name, published):
    assert count_parameters(preset(name)).total == published


def shapes():
    keys = ("position", "norm", "norm_placement", "mlp", "qk_norm", "bias", "tied")
    values = (
        ("rope", "learned"),
        ("rmsnorm", "layernorm"),
        ("pre", "post"),
        ("swiglu", "gelu", "relu2"),
        *((False, True),) * 3,
    )
    sizes = {"vocab_size": 11, "context_length": 5, "n_layers": 2, "n_heads": 4}
    sizes |= {"n_kv_heads": 2, "d_model": 24, "d_ff": 20, "d_head": 8}
    for choice in product(*values):
        yield ModelConfig.model_validate(sizes | dict(zip(keys, choice, strict=True)))


def test_every_combination_counts_what_the_config_says():
    for config in shapes():
        assert count_parameters(config).total == config.n_parameters, config


def test_every_combination_counts_what_the_real_model_holds():
    import torch

    from scratchlm.model.transformer import Transformer

    with torch.device("meta"):
        for config in list(shapes())[::7]:
            held = sum(p.numel() for p in Transformer(config).parameters())
            assert count_parameters(config).total == held, config


def test_the_parts_of_a_hand_computed_model():
    config = ModelConfig.model_validate(
        {"vocab_size": 100, "n_layers": 3, "n_heads": 4, "n_kv_heads": 2}
        | {"d_model": 16, "d_ff": 40, "tied": False}
    )
    parts = count_parameters(config)
    assert parts.embedding == parts.head == 100 * 16
    assert parts.attention == 3 * (16 * 16 + 2 * 16 * 8 + 16 * 16)
    assert parts.mlp == 3 * 3 * 16 * 40
    assert parts.norms == 3 * (2 * 16 + 2 * 4) + 16
    assert parts.positions == 0
    assert parts.blocks == parts.attention + parts.mlp + parts.norms


def test_a_tied_head_multiplies_but_is_not_counted_twice():
    free = preset("depth-4")
    tied = free.model_copy(update={"tied": True})
    table = free.vocab_size * free.d_model
    assert count_parameters(free).total - count_parameters(tied).total == table
    assert count_multiplied(free) == count_multiplied(tied)
