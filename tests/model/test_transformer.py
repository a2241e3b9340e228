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


DOCUMENTS = {
    "doc_ids": torch.tensor([[1] * 5 + [2] * 8 + [0] * 4] * 2),
    "positions": torch.tensor([[*range(5), *range(8), *range(4)]] * 2),
}


@pytest.mark.parametrize("kernel", ["products", "sdpa"])
@pytest.mark.parametrize(
    "switches", [{}, {"position": "learned"}, {"attention_window": 3}], ids=str
)
def test_a_document_reads_as_if_it_were_alone(build_model, tokens, kernel, switches):
    model = build_model(**switches)
    model.use_attention(kernel)
    packed = model(tokens, **DOCUMENTS)
    for start, stop in ((0, 5), (5, 13)):
        alone = model(tokens[:, start:stop])
        torch.testing.assert_close(packed[:, start:stop], alone, atol=1e-5, rtol=1e-5)


def test_documents_count_in_the_loss_and_in_log_probabilities(build_model, tokens):
    model, targets = build_model(), tokens.roll(-1, 1)
    mask = DOCUMENTS["doc_ids"] > 0
    log_p = model.log_probs(tokens, targets, **DOCUMENTS)
    loss = model.loss(tokens, targets, mask, **DOCUMENTS)
    torch.testing.assert_close(loss, -log_p[mask].mean())
    assert (model.log_probs(tokens, targets) - log_p).abs().max() > 0.01


def test_logits_never_exceed_the_cap(build_model, tokens):
    plain, capped = build_model(), build_model(logit_softcap=0.5)
    expected = 0.5 * torch.tanh(plain(tokens) / 0.5)
    torch.testing.assert_close(capped(tokens), expected)
    logits, loss = capped(tokens[:, :-1], tokens[:, 1:])
    assert logits.abs().max() <= 0.5
    torch.testing.assert_close(capped.loss(tokens[:, :-1], tokens[:, 1:]), loss)


def test_dropout_is_for_training_and_follows_the_seed(build_model, tokens):
    model, plain = build_model(dropout=0.3), build_model()
    expected = plain(tokens)
    torch.testing.assert_close(model.eval()(tokens), expected)
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append(model.train()(tokens).detach())
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_recomputing_changes_neither_loss_nor_gradients(build_model, tokens):
    changes = {"dropout": 0.2, "value_embeddings": "alternate", "attention_window": 4}
    results = []
    for recompute in (False, True):
        model = build_model(**changes)
        model.recompute = recompute
        torch.manual_seed(0)
        loss = model.loss(tokens[:, :-1], tokens[:, 1:])
        results.append([loss, *torch.autograd.grad(loss, list(model.parameters()))])
    assert all(torch.equal(*both) for both in zip(*results, strict=True))


def test_without_positions_and_with_one_layer_order_plays_no_part(build_model, tokens):
    """The last token sees a set."""
    model = build_model(position="none", n_layers=1)
    moved = torch.cat([tokens[:, :16].flip(1), tokens[:, 16:]], 1)
    torch.testing.assert_close(
        model(moved)[:, -1], model(tokens)[:, -1], atol=1e-5, rtol=1e-5
    )


def test_a_window_hides_what_lies_further_back(build_model, tokens):
    """One layer: a token plays no part from `window` tokens on."""
    changes = {"n_layers": 1, "attention_window": 5, "window_pattern": "S"}
    model = build_model(**changes)
    changed = tokens.clone()
    changed[:, 3] = (changed[:, 3] + 1) % 32
    change = (model(changed) - model(tokens)).abs().amax((0, 2)) > 1e-6
    assert change.nonzero()[:, 0].tolist() == [3, 4, 5, 6, 7]


def test_residual_scalars_weigh_the_stream_and_the_embedding(build_model, tokens):
    model = build_model(residual_scalars=True)
    with torch.no_grad():
        model.residual_scales.zero_()
        model.embedding_scales.copy_(torch.tensor([9.0, 1.0]))
        expected = build_model(n_layers=1)
        expected.load_state_dict(
            {
                name.replace("layers.1", "layers.0"): tensor
                for name, tensor in model.state_dict().items()
                if not name.startswith(("layers.0", "residual", "embedding_scales"))
            }
        )
        torch.testing.assert_close(model(tokens), expected(tokens))


def test_router_biases_are_state_beside_the_parameters(build_model, tokens):
    model = build_model(n_experts=4).train()
    biases = model.router_biases()
    assert sorted(biases) == [f"layers.{i}.mlp.router_bias" for i in (0, 1)]
    model.loss(tokens[:, :-1], tokens[:, 1:])
    model.update_router_bias(0.5)
    assert all(bias.abs().max() == 0.5 for bias in biases.values())
    model.loss(tokens[:, :-1], tokens[:, 1:])
    model.forget_router_load()
    model.update_router_bias(0.5)
    assert all(bias.abs().max() == 0.5 for bias in biases.values())
    assert not build_model().router_biases()


def test_seventy_billion_parameters_are_described_without_memory():
    sizes = {"n_layers": 80, "n_heads": 64, "n_kv_heads": 8, "d_model": 8192}
    config = ModelConfig(vocab_size=128_256, d_ff=28_672, qk_norm="none", **sizes)
    with torch.device("meta"):
        model = Transformer(config)
    assert sum(p.numel() for p in model.parameters()) == config.n_parameters
    assert config.n_parameters == 70_553_706_496
