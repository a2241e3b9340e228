"""Laws of choosing an architecture: what is exact is taken, the rest is refused."""

import pytest

from scratchlm.export import RefusalError, choose_architecture
from scratchlm.model.config import ModelConfig

from .conftest import CLASSIC, DIAGRAM, SIZES, build_config


def choose(**changes):
    return choose_architecture(ModelConfig.model_validate(SIZES | changes))


@pytest.mark.parametrize(
    ("name", "architecture"),
    [("modern", "qwen3"), ("llama", "llama"), ("classic", "gpt2")],
)
def test_the_three_known_shapes_are_recognised(name, architecture):
    assert choose_architecture(build_config(name)) == architecture


def test_norms_after_the_residual_sum_are_refused_with_that_reason():
    with pytest.raises(RefusalError, match="norms after each residual sum") as refusal:
        choose(**DIAGRAM)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mlp": "relu2"}, "ReLU² network"),
        ({"norm": "layernorm"}, "LayerNorm"),
        ({"bias": True}, "biases"),
        (CLASSIC | {"n_kv_heads": 2}, "grouped queries"),
        (CLASSIC | {"qk_norm": True}, "query-key norms"),
        (CLASSIC | {"d_head": 8}, "heads of 32 channels"),
        (CLASSIC | {"mlp": "swiglu"}, "SwiGLU network"),
        (CLASSIC | {"mlp": "gelu_exact"}, "exact GELU network"),
        ({"position": "none"}, "reading without positions"),
        ({"rope_scaling": "yarn", "rope_factor": 4}, "rotary scaling"),
        ({"norm_gain": False}, "norms without gains"),
        ({"embedding_norm": True}, "norm of the embedding"),
        ({"qk_norm": "after_rope"}, "query-key norms after RoPE"),
        ({"attention_window": 8}, "attention windows"),
        ({"logit_softcap": 15.0}, "logit soft-cap"),
        ({"value_embeddings": "alternate"}, "value embeddings"),
        ({"residual_scalars": True}, "residual scalars"),
        ({"n_experts": 4}, "experts"),
    ],
)
def test_each_obstacle_is_named(changes, reason):
    with pytest.raises(RefusalError, match=reason):
        choose(**changes)


def test_a_llama_may_have_biases():
    assert choose(bias=True, qk_norm=False) == "llama"
