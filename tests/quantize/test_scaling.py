import pytest
import torch
from torch import nn

from scratchlm.quantize.scaling import ScalingGroup, apply_scale, scaling_groups


def random_scale(n, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, generator=generator) * 3 + 0.25


def n_shared(model, group):
    width = model.get_submodule(group.layers[0]).in_features
    return width // group.n_sharing


def test_every_linear_layer_of_the_blocks_is_in_one_group(model):
    """But the gates of value embeddings, a few numbers each."""
    grouped = [name for group in scaling_groups(model.config) for name in group.layers]
    layers = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name.endswith("_proj")
    ]
    assert sorted(grouped) == sorted(layers)


def test_absorbed_scales_never_change_what_the_model_says(model, tokens):
    with torch.no_grad():
        before = model(tokens)
        for i, group in enumerate(scaling_groups(model.config)):
            if group.absorber is not None:
                apply_scale(model, group, random_scale(n_shared(model, group), i))
        after = model(tokens)
    torch.testing.assert_close(after, before, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "unabsorbed"),
    [
        ({}, set()),
        ({"mlp": "gelu"}, {"down_proj"}),
        ({"mlp": "gelu_exact"}, {"down_proj"}),
        ({"mlp": "relu2"}, set()),
        ({"norm_gain": False}, {"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"}),
        ({"value_embeddings": "alternate"}, {"q_proj", "k_proj", "v_proj", "o_proj"}),
        (
            {"norm_placement": "post"},
            {"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"},
        ),
        (
            {"norm_placement": "post", "mlp": "gelu"},
            {"q_proj", "k_proj", "v_proj", "up_proj", "down_proj"},
        ),
    ],
)
def test_what_has_no_gain_or_feeds_others_too_absorbs_nothing(
    build_model, changes, unabsorbed
):
    config = build_model(**changes).config
    groups = [group for group in scaling_groups(config) if group.absorber is None]
    assert {group.layers[0].rsplit(".", 1)[1] for group in groups} == unabsorbed
    assert all(len(group.layers) == 1 for group in groups), "each has its own scale"


def test_layers_of_a_group_see_the_same_input(model, tokens):
    seen = {}

    def remember(name):
        return lambda _, inputs: seen.update({name: inputs[0]})

    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            module.register_forward_pre_hook(remember(name))
    with torch.no_grad():
        model(tokens)
    for group in scaling_groups(model.config):
        for name in group.layers:
            assert torch.equal(seen[name], seen[group.watched])


def test_heads_of_a_group_share_the_scales_of_their_values():
    """Two key/value heads of two channels, two query heads each."""
    group = ScalingGroup(("o",), "v", "o", n_sharing=2, d_head=2)
    shared = torch.tensor([1.0, 2.0, 3.0, 4.0])
    spread = group.spread(shared)
    assert spread.tolist() == [1, 2, 1, 2, 3, 4, 3, 4]
    assert torch.equal(group.share(spread), shared)
    assert group.share(torch.arange(8.0)).tolist() == [1, 2, 5, 6]
