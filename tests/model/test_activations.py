"""Laws of kept tensors: the estimate is what autograd really packs."""

import pytest
import torch

from scratchlm.model.activations import (
    activations_per_token,
    estimate_activation_bytes,
)
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.train.precision import MasterWeights

N_ROWS = 2
SIZES = {"vocab_size": 64, "context_length": 96, "n_layers": 3, "n_heads": 4}
SIZES |= {"n_kv_heads": 2, "d_model": 64, "d_ff": 96, "d_head": 16}
SWITCHES = [
    {},
    {"mlp": "gelu"},
    {"mlp": "relu2", "bias": True},
    {"norm": "layernorm"},
    {"norm_gain": False},
    {"norm_placement": "post"},
    {"norm_placement": "post", "norm": "layernorm"},
    {"position": "learned", "qk_norm": "none"},
    {"position": "none", "qk_norm": "after_rope"},
    {"qk_norm": "after_rope", "n_kv_heads": 4},
    {"embedding_norm": True},
    {"dropout": 0.1},
    {"attention_window": 20},
    {"value_embeddings": "alternate"},
    {"residual_scalars": True, "tied": True},
    {"n_experts": 4},
    {"n_experts": 4, "n_shared_experts": 1, "router": "softmax", "mlp": "gelu_exact"},
    {"n_experts": 4, "n_experts_per_token": 1},
]


def build(**changes):
    return ModelConfig.model_validate(SIZES | changes)


def packed_bytes(config, kernel="products", dtype=torch.float32, recompute=False):
    """Bytes of the storages that the loss keeps, the model's own left out."""
    torch.manual_seed(0)
    model = Transformer(config).train()
    model.use_attention(kernel)
    MasterWeights(model, dtype)
    model.recompute = recompute
    tensors = [*model.parameters(), *model.buffers()]
    own = {tensor.untyped_storage().data_ptr() for tensor in tensors}
    storages, held = {}, []

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            storages[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)  # so that no address is used twice
        return tensor

    tokens = torch.randint(config.vocab_size, (N_ROWS, config.context_length))
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = model.loss(tokens, tokens.clone())
    assert loss.requires_grad
    head_gradient = 4 * config.vocab_size * config.d_model  # a weight's, not a token's
    return sum(storages.values()) - head_gradient


@pytest.mark.parametrize("changes", SWITCHES, ids=str)
def test_the_estimate_is_what_autograd_keeps_for_every_switch(changes):
    config = build(**changes)
    estimate = estimate_activation_bytes(config, N_ROWS * config.context_length)
    assert packed_bytes(config) == pytest.approx(estimate, rel=0.01)


ATTENTION = [c for c in SWITCHES if {"position", "qk_norm", "attention_window"} & {*c}]


@pytest.mark.parametrize("changes", [{}, *ATTENTION], ids=str)
def test_fused_attention_keeps_what_is_estimated(changes):
    config = build(**changes)
    n_tokens = N_ROWS * config.context_length
    estimate = estimate_activation_bytes(config, n_tokens, kernel="sdpa")
    assert packed_bytes(config, "sdpa") == pytest.approx(estimate, rel=0.01)


@pytest.mark.parametrize("changes", SWITCHES[::3], ids=str)
def test_half_precision_keeps_what_is_estimated(changes):
    config = build(**(changes | {"bias": False}))
    n_tokens = N_ROWS * config.context_length
    estimate = estimate_activation_bytes(config, n_tokens, bytes_per_number=2)
    found = packed_bytes(config, dtype=torch.bfloat16)
    assert found == pytest.approx(estimate, rel=0.01)


@pytest.mark.parametrize("changes", SWITCHES[2::4], ids=str)
def test_checkpointing_keeps_the_layers_inputs_alone(changes):
    config = build(**changes)
    kept = activations_per_token(config)
    n_tokens = N_ROWS * config.context_length
    found = packed_bytes(config, recompute=True)
    expected = n_tokens * (sum(kept.inputs) + kept.outside)
    assert found == pytest.approx(expected, rel=0.03)
    whole = estimate_activation_bytes(config, n_tokens, checkpointing=True)
    assert whole == expected + n_tokens * max(kept.layers)


def test_many_switches_at_once_are_still_estimated_within_three_percent():
    changes = {"norm_gain": False, "embedding_norm": True, "qk_norm": "after_rope"}
    changes |= {"mlp": "relu2", "attention_window": 32, "logit_softcap": 15.0}
    changes |= {"value_embeddings": "alternate", "residual_scalars": True}
    config = build(**changes)
    estimate = estimate_activation_bytes(config, N_ROWS * config.context_length)
    assert packed_bytes(config) == pytest.approx(estimate, rel=0.03)


def test_fused_attention_grows_with_the_tokens_and_products_with_their_square():
    config = build()

    def per_token(length, kernel):
        return (
            estimate_activation_bytes(
                config, length, context_length=length, kernel=kernel
            )
            / length
        )

    assert per_token(4096, "sdpa") == per_token(64, "sdpa")
    grown = per_token(4096, "products") - per_token(64, "products")
    # layers, heads, bytes; eight blocks of queries leave 9/16 of T, one leaves all
    assert grown == 3 * 4 * 4 * (4096 * 9 / 16 - 64)
