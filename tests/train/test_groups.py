import pytest
import torch

from scratchlm.train.groups import build_groups, kind_of

from .optimizing import RATES, SHAPES, build_config, parameters

KINDS = dict(
    zip(
        SHAPES,
        ("embed", "embed", *["matrix"] * 5, "vector", "vector", "vector", "head"),
        strict=True,
    )
)


@pytest.mark.parametrize("name", SHAPES)
def test_a_name_and_its_axes_say_the_kind(name):
    assert kind_of(name, torch.zeros(SHAPES[name])) == KINDS[name]


@pytest.mark.parametrize("rule", ["muon", "adamw", "soap"])
def test_every_parameter_is_in_one_group_with_its_rate_and_rule(rule):
    groups = build_groups(parameters(), build_config(optimizer=rule))
    names = [name for group in groups for name in group.names]
    assert sorted(names) == sorted(SHAPES)
    for group in groups:
        for name in group.names:
            assert group.lr == RATES[f"{KINDS[name]}_lr"]
            assert group.rule == (rule if KINDS[name] == "matrix" else "adamw")


def test_norms_biases_scalars_and_embeddings_never_decay():
    groups = build_groups(parameters(), build_config(weight_decay=0.5))
    decays = {name: group.weight_decay for group in groups for name in group.names}
    for name, kind in KINDS.items():
        assert decays[name] == (0.5 if kind in ("matrix", "head") else 0.0)


@pytest.mark.parametrize(
    ("changes", "n_floats"),
    [
        ({"optimizer": "adamw"}, 2 * 48),
        ({}, 48),
        ({"muon_row_variance": True}, 48 + 8),
        ({"optimizer": "soap"}, 2 * (48 + 8 * 8 + 6 * 6)),
    ],
)
def test_the_state_of_a_matrix_has_the_size_that_its_rule_says(changes, n_floats):
    name = "layers.0.self_attn.q_proj.weight"  # (8, 6)
    groups = build_groups(parameters(), build_config(**changes))
    sizes = [
        tensor.numel()
        for group in groups
        for key, tensor in group.state.items()
        if key.startswith(name)
    ]
    assert sum(sizes) == n_floats
