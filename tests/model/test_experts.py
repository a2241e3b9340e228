import pytest
import torch

from scratchlm.model.config import ModelConfig
from scratchlm.model.experts import MixtureOfExperts

SIZES = {
    "vocab_size": 4,
    "n_layers": 1,
    "n_heads": 1,
    "n_kv_heads": 1,
    "d_model": 6,
    "d_ff": 8,
    "n_experts": 5,
}


def build(**changes):
    layer = MixtureOfExperts(ModelConfig.model_validate({**SIZES, **changes}))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return layer


def tokens(*shape, seed=1):
    return torch.randn(*shape, 6, generator=torch.Generator().manual_seed(seed))


def one_by_one(layer, x):
    """Each token through each of its experts, as the formula says."""
    config, out = layer.config, torch.zeros_like(x)
    for i, token in enumerate(x):
        logits = layer.router.weight @ token
        is_sigmoid = config.router == "sigmoid"
        scores = logits.sigmoid() if is_sigmoid else logits.softmax(0)
        k = config.n_experts_per_token
        chosen = (scores + layer.router_bias).sort(descending=True).indices[:k]
        total = scores[chosen].sum() if k > 1 else 1.0
        for expert in chosen:
            up = layer.up_proj[expert] @ token
            if config.mlp == "swiglu":
                gate = layer.gate_proj[expert] @ token
                inner = gate * gate.sigmoid() * up
            else:
                inner = up.relu() ** 2
            weight = config.router_scale * scores[expert] / total
            out[i] += weight * (layer.down_proj[expert] @ inner)
    if config.n_shared_experts:
        out = out + layer.shared_expert(x)
    return out


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"router": "softmax", "mlp": "relu2", "n_experts_per_token": 3},
        {"n_experts_per_token": 1, "router_scale": 2.5},
        {"n_shared_experts": 2, "n_experts_per_token": 5},
    ],
)
def test_each_token_goes_through_its_best_experts(changes):
    layer, x = build(**changes), tokens(11)
    layer.router_bias.copy_(torch.tensor([0.3, 0.0, -0.2, 0.0, 0.1]))
    torch.testing.assert_close(layer(x), one_by_one(layer, x), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("changes", [{}, {"mlp": "gelu", "n_shared_experts": 1}])
def test_gradients_agree_with_finite_differences(changes):
    layer, x = build(**changes).double(), tokens(4).double().requires_grad_()
    names, parameters = zip(*layer.named_parameters(), strict=True)

    def mixed(x, *values):
        return torch.func.functional_call(
            layer, dict(zip(names, values, strict=True)), (x,)
        )

    layer.eval()
    # the scores are float32 inside: differences of 1e-3 stand out from that
    close = {"eps": 1e-3, "atol": 1e-2, "rtol": 1e-2}
    assert torch.autograd.gradcheck(mixed, (x, *parameters), **close)


def test_a_row_knows_nothing_of_its_neighbours():
    layer, x = build().eval(), tokens(3, 7)
    alone = torch.cat([layer(row) for row in x.split(1)])
    torch.testing.assert_close(layer(x), alone, atol=1e-5, rtol=1e-5)


def test_the_bias_turns_the_choice_and_nothing_else():
    layer, x = build(), tokens(9)
    chosen, weights = layer.route(x)
    layer.router_bias += 7.0
    again, same = layer.route(x)
    assert torch.equal(chosen, again) and torch.equal(weights, same)
    layer.router_bias[2] = 100.0
    assert (layer.route(x)[0] == 2).any(-1).all()
    assert layer.route(x)[1].sum(-1).allclose(torch.ones(9))


def test_load_is_counted_in_training_alone():
    layer = build()
    layer(tokens(2, 7))
    assert layer.expert_load.sum() == 2 * 7 * 2
    before = layer.expert_load.clone()
    layer.eval()(tokens(2, 7))
    assert torch.equal(layer.expert_load, before)


def test_the_bias_moves_by_the_sign_of_the_error_and_the_count_begins_anew():
    layer = build()
    layer.expert_load.copy_(torch.tensor([9, 1, 4, 4, 2]))  # 4 on average
    layer.update_bias(0.1)
    expected = torch.tensor([-0.1, 0.1, 0.0, 0.0, 0.1])
    torch.testing.assert_close(layer.router_bias, expected)
    assert not layer.expert_load.any()


def test_balancing_spreads_tokens_over_all_experts():
    layer, x = build(), tokens(200) + 1.0  # all lean to one side: some expert wins

    def shares():
        layer(x)
        return layer.expert_load / layer.expert_load.sum()

    uneven = shares().max()
    layer.expert_load.zero_()
    for _ in range(300):
        layer(x)
        layer.update_bias(0.01)
    assert shares().max() < 0.3 < uneven
