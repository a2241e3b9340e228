"""The same random weights give the logits and gradients of the known architectures.

The oracle is Hugging Face's transformers, in float32 on its plain attention.
"""

import pytest
import torch
from torch.nn import functional as F

from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer

transformers = pytest.importorskip("transformers")

SIZES = {
    "vocab_size": 61,
    "context_length": 64,
    "n_layers": 3,
    "n_heads": 4,
    "n_kv_heads": 2,
    "d_model": 32,
    "d_head": 16,
    "d_ff": 48,
    "norm_epsilon": 1e-5,
}
NAMES = {
    "vocab_size": 61,
    "max_position_embeddings": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "hidden_size": 32,
    "head_dim": 16,
    "intermediate_size": 48,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
    "pad_token_id": None,
    "attn_implementation": "eager",
}
ROPE = {"rope_type": "default", "rope_theta": 10_000.0}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
GPT2 = {
    "position": "learned",
    "norm": "layernorm",
    "mlp": "gelu",
    "n_kv_heads": 4,
    "d_head": 8,
    "qk_norm": "none",
    "bias": True,
    "tied": True,
}
EXPERTS = {"n_experts": 5, "n_experts_per_token": 2, "d_expert": 24}


def llama(rope=ROPE, **changes):
    config = transformers.LlamaConfig(**{**NAMES, "rope_parameters": rope, **changes})
    return transformers.LlamaForCausalLM(config)


def qwen3(rope=ROPE, **changes):
    config = transformers.Qwen3Config(**{**NAMES, "rope_parameters": rope, **changes})
    return transformers.Qwen3ForCausalLM(config)


def mistral():
    config = transformers.MistralConfig(**NAMES, rope_parameters=ROPE, sliding_window=5)
    return transformers.MistralForCausalLM(config)


def mixture():
    config = transformers.Qwen3MoeConfig(
        **NAMES,
        rope_parameters=ROPE,
        num_experts=5,
        num_experts_per_tok=2,
        moe_intermediate_size=24,
        norm_topk_prob=True,
    )
    return transformers.Qwen3MoeForCausalLM(config)


def nanochat():
    config = transformers.NanoChatConfig(
        **NAMES, rope_parameters=ROPE, final_logit_softcapping=15.0
    )
    return transformers.NanoChatForCausalLM(config)


def gpt2():
    config = transformers.GPT2Config(
        vocab_size=61,
        n_positions=64,
        n_embd=32,
        n_layer=3,
        n_head=4,
        n_inner=48,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        attn_implementation="eager",
    )
    return transformers.GPT2LMHeadModel(config)


NANOCHAT = {
    "norm_gain": False,
    "embedding_norm": True,
    "qk_norm": "after_rope",
    "mlp": "relu2",
    "logit_softcap": 15.0,
}
SHAPES = {
    "gpt2": (gpt2, GPT2),
    "llama": (llama, {"qk_norm": "none"}),
    "llama, linear": (
        lambda: llama({**ROPE, "rope_type": "linear", "factor": 4.0}),
        {"qk_norm": "none", "rope_scaling": "linear", "rope_factor": 4.0},
    ),
    "qwen3": (qwen3, {}),
    "qwen3, yarn": (
        lambda: qwen3({**ROPE, **YARN}),
        {"rope_scaling": "yarn", "rope_factor": 4.0},
    ),
    "mistral": (
        mistral,
        {"qk_norm": "none", "attention_window": 5, "window_pattern": "S"},
    ),
    "qwen3 moe": (mixture, {**EXPERTS, "router": "softmax"}),
    "nanochat": (nanochat, NANOCHAT),
}
BLOCK = {
    "input_layernorm": "ln_1",
    "post_attention_layernorm": "ln_2",
    "self_attn.o_proj": "attn.c_proj",
    "mlp.up_proj": "mlp.c_fc",
    "mlp.down_proj": "mlp.c_proj",
}


def gpt2_tensors(tensors):
    """GPT-2's names; its matrices stand transposed, and q, k, v are one."""
    found = {
        "embed_tokens.weight": tensors["transformer.wte.weight"],
        "embed_positions.weight": tensors["transformer.wpe.weight"],
    }
    for kind in ("weight", "bias"):
        found[f"norm.{kind}"] = tensors[f"transformer.ln_f.{kind}"]
        for layer in range(3):
            at = f"transformer.h.{layer}"
            for ours, theirs in BLOCK.items():
                found[f"layers.{layer}.{ours}.{kind}"] = tensors[
                    f"{at}.{theirs}.{kind}"
                ].t()
            stacked = tensors[f"{at}.attn.c_attn.{kind}"].t()
            for ours, part in zip("qkv", stacked.chunk(3), strict=True):
                found[f"layers.{layer}.self_attn.{ours}_proj.{kind}"] = part
    return found


def llama_tensors(tensors):
    """Ours are the same names, but for the feed-forward networks of some."""
    found = {}
    for name, tensor in tensors.items():
        name = name.removeprefix("model.")
        if name.endswith("experts.gate_up_proj"):
            gate, up = tensor.chunk(2, 1)
            found[name.replace("experts.gate_up_proj", "gate_proj")] = gate
            found[name.replace("experts.gate_up_proj", "up_proj")] = up
        else:
            for theirs, ours in (
                ("mlp.gate.", "mlp.router."),
                ("mlp.experts.down_proj", "mlp.down_proj"),
                ("mlp.fc1", "mlp.up_proj"),
                ("mlp.fc2", "mlp.down_proj"),
            ):
                name = name.replace(theirs, ours)
            found[name] = tensor
    return found


def halves_swapped(tensor):
    """Channels in the order that turns them the other way round, as nanochat does."""
    heads = tensor.unflatten(0, (-1, 2, 8))
    return heads.flip(1).flatten(0, 2)


def renamed(tensors, config):
    if config.position == "learned":
        return gpt2_tensors(tensors)
    found = llama_tensors(tensors)
    if config.qk_norm == "after_rope":
        for name, tensor in found.items():
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                found[name] = halves_swapped(tensor)
    return found


@pytest.fixture(params=SHAPES)
def pair(request):
    """(theirs, ours) with the same random weights."""
    build, switches = SHAPES[request.param]
    torch.manual_seed(0)
    theirs = build().eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            noise = torch.randn_like(parameter) * 0.2
            parameter.copy_(noise if parameter.dim() > 1 else 1 + noise)
    config = ModelConfig.model_validate({**SIZES, **switches})
    ours = Transformer(config).eval()
    found = renamed(dict(theirs.named_parameters()), config)
    mine = dict(ours.named_parameters())
    assert mine.keys() == found.keys()
    with torch.no_grad():
        for name, parameter in mine.items():
            parameter.copy_(found[name])
    return theirs, ours


@pytest.fixture
def text():
    """(tokens, targets), each (2, 24)."""
    drawn = torch.randint(61, (2, 25), generator=torch.Generator().manual_seed(1))
    return drawn[:, :-1], drawn[:, 1:]


def test_logits_are_theirs(pair, text):
    theirs, ours = pair
    expected = theirs(input_ids=text[0]).logits
    assert expected.std() > 0.1
    for kernel in ("products", "sdpa"):
        ours.use_attention(kernel)
        torch.testing.assert_close(ours(text[0]), expected, atol=1e-5, rtol=1e-5)
    with torch.no_grad():
        torch.testing.assert_close(ours(text[0]), expected, atol=1e-5, rtol=1e-5)


def test_gradients_are_theirs(pair, text):
    theirs, ours = pair
    tokens, targets = text
    logits = theirs(input_ids=tokens).logits
    F.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
    ours.loss(tokens, targets).backward()
    gradients = {name: p.grad for name, p in theirs.named_parameters()}
    expected = renamed(gradients, ours.config)
    for name, parameter in ours.named_parameters():
        error = (parameter.grad - expected[name]).norm()
        scale = expected[name].norm()
        assert error <= 1e-4 * scale or scale < 1e-6, name
