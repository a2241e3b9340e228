import pytest
import torch

from scratchlm.model.block import Block
from scratchlm.model.config import ModelConfig
from scratchlm.model.position import rotary_table

SIZES = {"vocab_size": 4, "n_layers": 1, "n_heads": 4, "n_kv_heads": 2, "d_ff": 12}
ROTARY = rotary_table(4, 5, 1e4)


def build(**changes):
    torch.manual_seed(0)
    return Block(ModelConfig(d_model=16, **SIZES, **changes), 0)


@pytest.fixture
def x():
    return torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("norm", ["rmsnorm", "layernorm"])
def test_the_norm_stands_before_each_sub_layer(norm, x):
    block = build(norm=norm)
    middle = x + block.self_attn(block.input_layernorm(x), ROTARY)
    expected = middle + block.mlp(block.post_attention_layernorm(middle))
    torch.testing.assert_close(block(x, ROTARY), expected)


@pytest.mark.parametrize("norm", ["rmsnorm", "layernorm"])
def test_the_norm_stands_after_each_residual_sum(norm, x):
    block = build(norm=norm, norm_placement="post")
    middle = block.input_layernorm(x + block.self_attn(x, ROTARY))
    expected = block.post_attention_layernorm(middle + block.mlp(middle))
    torch.testing.assert_close(block(x, ROTARY), expected)


def test_after_a_post_norm_block_every_token_is_normalised(x):
    out = build(norm="layernorm", norm_placement="post")(100 * x, ROTARY)
    torch.testing.assert_close(out.mean(-1), torch.zeros(2, 5), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        out.var(-1, correction=0), torch.ones(2, 5), atol=1e-3, rtol=0
    )
