import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig
from scratchlm.model.mask import causal_mask
from scratchlm.model.transformer import Transformer

SWITCHES = {
    "position": ["rope", "learned"],
    "norm_placement": ["pre", "post"],
    "norm": ["rmsnorm", "layernorm"],
    "mlp": ["swiglu", "gelu", "relu2"],
    "qk_norm": [True, False],
    "bias": [True, False],
    "tied": [True, False],
}
COMBINATIONS = [
    dict(zip(SWITCHES, values, strict=True))
    for values in itertools.product(*SWITCHES.values())
]
SAMPLE = pytest.mark.parametrize("switches", COMBINATIONS[::13], ids=lambda _: "")


@pytest.mark.parametrize("position", SWITCHES["position"])
def test_a_future_token_never_changes_past_logits(build_model, tokens, position):
    """For every combination of switches, both kernels, and three places."""
    tokens, places = tokens[:1, :7], [0, 3, 6]
    changed = tokens.repeat(3, 1)
    changed[range(3), places] = (changed[range(3), places] + 1) % 32
    later = torch.arange(7) >= torch.tensor(places)[:, None]
    for switches in COMBINATIONS:
        if switches["position"] != position:
            continue
        model = build_model(**switches)
        for kernel in ("products", "sdpa"):
            model.use_attention(kernel)
            change = (model(changed) - model(tokens)).abs().amax(-1)
            assert torch.equal(change > 1e-6, later), (switches, kernel)


@SAMPLE
def test_a_row_knows_nothing_of_its_neighbours(build_model, tokens, switches):
    model = build_model(**switches)
    alone = torch.cat([model(row) for row in tokens.split(1)])
    torch.testing.assert_close(model(tokens), alone, atol=1e-5, rtol=1e-5)


@given(
    st.fixed_dictionaries({k: st.sampled_from(v) for k, v in SWITCHES.items()}),
    st.tuples(*[st.integers(1, 4)] * 4),
    st.tuples(*[st.integers(2, 30)] * 3),
)
def test_parameters_are_counted_exactly(switches, counts, widths):
    n_layers, n_kv_heads, groups, half_head = counts
    vocab_size, d_model, d_ff = widths
    config = ModelConfig(
        vocab_size=vocab_size,
        context_length=5,
        n_layers=n_layers,
        n_heads=groups * n_kv_heads,
        n_kv_heads=n_kv_heads,
        d_model=d_model,
        d_ff=d_ff,
        d_head=2 * half_head,
        **switches,
    )
    allocated = sum(p.numel() for p in Transformer(config).parameters())
    assert allocated == config.n_parameters


@SAMPLE
def test_every_parameter_learns(build_model, tokens, switches):
    model = build_model(**switches)
    model.loss(tokens[:, :-1], tokens[:, 1:]).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad.abs().max() > 0 or name.endswith("k_proj.bias"), name


@SAMPLE
def test_both_kernels_give_the_same_loss_and_gradients(build_model, tokens, switches):
    results = []
    for kernel in ("products", "sdpa"):
        model = build_model(**switches)
        model.use_attention(kernel)
        loss = model.loss(tokens[:, :-1], tokens[:, 1:])
        results.append([loss, *torch.autograd.grad(loss, list(model.parameters()))])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("tied", [True, False])
def test_a_tied_head_is_the_embedding(tied):
    config = ModelConfig(
        vocab_size=8, n_layers=1, n_heads=1, n_kv_heads=1, d_model=4, d_ff=4, tied=tied
    )
    model = Transformer(config)
    assert (model.lm_head.weight is model.embed_tokens.weight) == tied


def test_an_untrained_model_expects_every_token_alike(tokens):
    """Its loss is ln V, whatever comes."""
    torch.manual_seed(0)
    sizes = {"n_layers": 3, "n_heads": 4, "n_kv_heads": 2, "d_model": 64, "d_ff": 96}
    model = Transformer(ModelConfig(vocab_size=32, **sizes))
    loss = model.loss(tokens[:, :-1], tokens[:, 1:]).item()
    assert loss == pytest.approx(math.log(32), abs=0.05)


def test_fresh_blocks_pass_everything_through(tokens):
    torch.manual_seed(0)
    sizes = {"n_layers": 3, "n_heads": 4, "n_kv_heads": 2, "d_model": 16, "d_ff": 24}
    model = Transformer(ModelConfig(vocab_size=32, **sizes))
    expected = model.norm(model.embed_tokens(tokens))
    torch.testing.assert_close(model.hidden(tokens), expected)


def test_the_same_seed_draws_the_same_weights(build_model):
    drawn = []
    for seed in (3, 3, 4):
        model = build_model()
        torch.manual_seed(seed)
        model.reset_parameters()
        drawn.append(model.embed_tokens.weight.detach().clone())
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize(("position", "is_relative"), [("rope", True), ("learned", 0)])
def test_with_rope_only_distances_count(build_model, tokens, position, is_relative):
    model = build_model(position=position)
    places = torch.arange(17).expand(2, 17)
    plain, moved = model(tokens), model(tokens, positions=places + 7)
    torch.testing.assert_close(model(tokens, positions=places), plain)
    assert torch.allclose(plain, moved, atol=1e-4) == is_relative


def test_the_causal_mask_is_what_is_meant_without_a_mask(build_model, tokens):
    model = build_model()
    mask = causal_mask(17, 17, tokens.device).repeat(2, 1, 1, 1)
    torch.testing.assert_close(model(tokens, mask=mask), model(tokens))


def test_a_text_longer_than_the_context_is_refused(build_model):
    model = build_model()
    assert model(torch.zeros(1, 24, dtype=torch.long)).shape == (1, 24, 32)
    with pytest.raises(
        UserError, match="25 tokens do not fit the model's context of 2"
    ):
        model(torch.zeros(1, 25, dtype=torch.long))


def test_the_training_loss_is_that_of_the_logits(build_model, tokens):
    model = build_model(norm_placement="post", tied=True)
    logits, loss = model(tokens[:, :-1], tokens[:, 1:])
    torch.testing.assert_close(model.loss(tokens[:, :-1], tokens[:, 1:]), loss)
    expected = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
    torch.testing.assert_close(loss, expected)


def test_only_counted_tokens_enter_the_loss(build_model, tokens):
    model = build_model()
    mask = torch.rand(2, 16, generator=torch.Generator().manual_seed(0)) > 0.5
    log_p = model.log_probs(tokens[:, :-1], tokens[:, 1:])
    found = model.loss(tokens[:, :-1], tokens[:, 1:], mask)
    torch.testing.assert_close(found, -log_p[mask].mean())
    half = model.loss(
        tokens[:, :-1], tokens[:, 1:], mask, n_counted=2 * int(mask.sum())
    )
    torch.testing.assert_close(half, found / 2)


def test_log_probabilities_are_those_of_the_logits(build_model, tokens):
    model = build_model()
    log_p = model(tokens[:, :-1]).log_softmax(-1)
    expected = log_p.gather(2, tokens[:, 1:, None])[..., 0]
    torch.testing.assert_close(model.log_probs(tokens[:, :-1], tokens[:, 1:]), expected)


def test_where_nothing_counts_nothing_is_learned(build_model, tokens):
    model = build_model()
    nothing = torch.zeros(2, 16, dtype=torch.bool)
    loss = model.loss(tokens[:, :-1], tokens[:, 1:], nothing)
    loss.backward()
    assert loss == 0
    assert all(p.grad.abs().max() == 0 for p in model.parameters())


def test_half_precision_stays_close(build_model, tokens):
    model = build_model()
    exact = model(tokens)
    for name, parameter in model.named_parameters():
        if name.startswith("layers.") and parameter.dim() == 2:
            parameter.data = parameter.data.bfloat16()
    model.compute_dtype = torch.bfloat16
    rounded = model(tokens)
    assert rounded.dtype == torch.bfloat16
    assert (rounded.float() - exact).abs().max() < 0.05 * exact.abs().max()
