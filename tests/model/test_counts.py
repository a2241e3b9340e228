"""Laws of counting: hand-computed models, and the real one to the last parameter."""

import random
import subprocess
import sys
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.model.config import ModelConfig
from scratchlm.model.counts import (
    block_matrices,
    count_block_matrices,
    count_keys_seen,
    count_kv_bytes_per_token,
    count_loss_rows,
    count_multiplied,
    count_parameters,
    estimate_forward_flops,
    estimate_training_flops,
)

SIZES = {"vocab_size": 11, "context_length": 6, "n_layers": 3, "n_heads": 4}
SIZES |= {"n_kv_heads": 2, "d_model": 24, "d_ff": 20, "d_head": 8}
SWITCHES = {
    "position": ("rope", "learned", "none"),
    "norm": ("rmsnorm", "layernorm"),
    "norm_placement": ("pre", "post"),
    "norm_gain": (True, False),
    "embedding_norm": (False, True),
    "mlp": ("swiglu", "gelu", "relu2"),
    "qk_norm": ("none", "before_rope", "after_rope"),
    "bias": (False, True),
    "tied": (False, True),
    "value_embeddings": ("none", "alternate"),
    "residual_scalars": (False, True),
    "n_experts": (None, 5),
    "n_shared_experts": (0, 1),
    "d_expert": (None, 7),
}
EXPERTS = {"n_experts": 8, "n_experts_per_token": 2, "n_shared_experts": 1}


def build(**changes):
    return ModelConfig.model_validate(SIZES | changes)


def drawn_configs(n, seed=0):
    """Random choices of all switches: every pair of values is met many times."""
    rng = random.Random(seed)
    for _ in range(n):
        yield build(**{name: rng.choice(kinds) for name, kinds in SWITCHES.items()})


def test_every_choice_of_switches_counts_what_the_real_model_holds():
    import torch

    from scratchlm.model.transformer import Transformer

    with torch.device("meta"):
        for config in drawn_configs(60):
            model = Transformer(config)
            held = {name: p.shape for name, p in model.named_parameters()}
            total = sum(shape.numel() for shape in held.values())
            assert count_parameters(config).total == config.n_parameters == total
            matrices = sum(
                shape.numel()
                for name, shape in held.items()
                if name.startswith("layers.") and len(shape) > 1
            )
            assert count_block_matrices(config) == matrices, config


def test_the_parts_of_a_hand_computed_model():
    config = build(vocab_size=100, d_model=16, d_head=4, d_ff=40)
    parts = count_parameters(config)
    assert parts.embedding == parts.head == 100 * 16
    assert parts.attention == 3 * (16 * 16 + 2 * 16 * 8 + 16 * 16)
    assert parts.mlp == 3 * 3 * 16 * 40
    assert parts.norms == 3 * (2 * 16 + 2 * 4) + 16
    assert parts.positions == parts.values == parts.scalars == parts.idle == 0
    assert parts.blocks == parts.attention + parts.mlp + parts.norms
    assert parts.active == parts.total


def test_the_parts_of_a_hand_computed_mixture_of_experts():
    config = build(**EXPERTS, d_expert=5, residual_scalars=True, norm_gain=False)
    parts = count_parameters(config)
    expert = 3 * 24 * 5
    assert parts.mlp == 3 * (24 * 8 + 8 * expert + expert)
    assert parts.idle == 3 * 6 * expert
    assert parts.scalars == 6
    assert parts.norms == 3 * 2 * 8
    attention = 3 * (2 * 24 * 32 + 2 * 24 * 16)
    assert count_multiplied(config) == (attention + 3 * (24 * 8 + 3 * expert) + 11 * 24)


def test_value_embeddings_stand_in_every_second_layer_and_the_last():
    config = build(value_embeddings="alternate")
    gates = 2 * 2 * 12  # layers 0 and 2, a gate for each of 2 heads
    plain = count_parameters(build())
    parts = count_parameters(config)
    assert parts.values == 2 * 11 * 16
    assert parts.attention - plain.attention == gates
    assert count_multiplied(config) - count_multiplied(build()) == gates


def test_a_tied_head_multiplies_but_is_not_counted_twice():
    free, tied = build(tied=False), build(tied=True)
    table = 11 * 24
    assert count_parameters(free).total - count_parameters(tied).total == table
    assert count_multiplied(free) == count_multiplied(tied)


def test_matrices_are_counted_by_shape():
    shapes = block_matrices(build(**EXPERTS, d_expert=5, mlp="gelu"))
    assert shapes == {
        (32, 24): 3,
        (16, 24): 6,
        (24, 32): 3,
        (8, 24): 3,
        (5, 24): 27,
        (24, 5): 27,
    }


def test_a_hand_computed_model_costs_its_matrices_and_causal_attention():
    config = ModelConfig.model_validate(
        {"vocab_size": 10, "context_length": 3, "n_layers": 1, "n_heads": 2}
        | {"n_kv_heads": 1, "d_model": 4, "d_ff": 6}
    )
    # matrices: q and o 4 x 4, k and v 4 x 2, SwiGLU 3 of 4 x 6, head 10 x 4
    multiplied = 2 * 16 + 2 * 8 + 3 * 24 + 40
    # tokens see 1, 2, 3 keys: 2 on average; 2 products x 2 heads x 2 channels
    attention = 2 * 2 * 2 * 2 * 2
    assert estimate_forward_flops(config) == 2 * multiplied + attention
    assert estimate_training_flops(config) == 3 * (2 * multiplied + attention)
    full = estimate_forward_flops(config, attention="full")
    assert full == 2 * multiplied + 2 * 2 * 2 * 2 * 3


@given(st.integers(1, 40), st.integers(1, 50))
def test_a_token_sees_itself_and_what_its_window_holds(n_tokens, window):
    config = build(context_length=n_tokens, attention_window=window, n_layers=4)
    seen = [min(place + 1, window) for place in range(n_tokens)]
    mean = sum(seen) / n_tokens
    assert count_keys_seen(config, 0) == pytest.approx(mean)
    assert count_keys_seen(config, 3) == pytest.approx((n_tokens + 1) / 2)
    assert count_keys_seen(config, 0, attention="full") == min(window, n_tokens)


@pytest.mark.parametrize("mlp", ["swiglu", "gelu_exact"])
def test_torch_counts_the_same_forward_arithmetic(mlp):
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    from scratchlm.model.transformer import Transformer

    config = build(mlp=mlp, value_embeddings="alternate", context_length=16)
    model = Transformer(config)
    plain = sdpa_kernel(SDPBackend.MATH)
    with FlopCounterMode(display=False) as counter, torch.no_grad(), plain:
        model(torch.zeros(1, 16, dtype=torch.int64))
    counted = counter.get_total_flops() / 16
    assert counted == estimate_forward_flops(config, attention="full")


def test_the_bytes_of_a_tokens_keys_and_values():
    for (heads, layers), width in product([(1, 2), (4, 3)], (2, 4)):
        config = build(n_kv_heads=heads, n_layers=layers)
        assert count_kv_bytes_per_token(config, width) == 2 * layers * heads * 8 * width


def test_a_chunk_of_logits_stays_within_64_mib_down_to_256_rows():
    assert [count_loss_rows(v) for v in (256, 4096, 16_384)] == [1024] * 3
    assert [count_loss_rows(v) for v in (32_000, 50_257, 128_256)] == [512, 256, 256]
    assert count_loss_rows(50_257, "cuda") == 2048


def test_a_model_counts_itself_as_its_config_does():
    import torch

    from scratchlm.model.activations import estimate_activation_bytes
    from scratchlm.model.transformer import Transformer

    config = build(value_embeddings="alternate")
    model = Transformer(config)
    assert model.count_parameters().total == config.n_parameters
    assert model.estimate_flops(4) == estimate_training_flops(config, 4)
    assert model.kv_bytes_per_token == count_kv_bytes_per_token(config, 4)
    kept = {
        kernel: estimate_activation_bytes(config, 12, kernel=kernel)
        for kernel in ("products", "sdpa")
    }
    for kernel, expected in kept.items():
        model.use_attention(kernel)
        assert model.estimate_activation_bytes(12, 6) == expected
    model.compute_dtype, model.recompute = torch.bfloat16, True
    assert model.kv_bytes_per_token == count_kv_bytes_per_token(config, 2)
    assert model.estimate_activation_bytes(12, 6) < kept["sdpa"]


def test_counting_never_imports_torch():
    program = (
        "import sys; from scratchlm.model.config import ModelConfig;"
        "from scratchlm.model.counts import estimate_training_flops as f;"
        "f(ModelConfig(vocab_size=9, n_layers=1, n_heads=1, n_kv_heads=1,"
        " d_model=4, d_ff=4, d_head=4)); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
