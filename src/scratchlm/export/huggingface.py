"""A directory that transformers, and everything that reads its format, loads.

config.json · generation_config.json · model.safetensors
tokenizer.json · tokenizer_config.json · chat_template.jinja
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from scratchlm.base.atomic import write_bytes, write_json
from scratchlm.export.architecture import Architecture, choose_architecture
from scratchlm.export.config import Dtype
from scratchlm.export.layout import Array, complete, huggingface_layout, our_names
from scratchlm.export.source import Source
from scratchlm.model.config import ModelConfig
from scratchlm.tokenizer.chat_templates import border_tokens, choose_template
from scratchlm.tokenizer.huggingface import write_huggingface as write_tokenizer
from scratchlm.tokenizer.tokenizer import Tokenizer

CLASSES = {
    "qwen3": "Qwen3ForCausalLM",
    "llama": "LlamaForCausalLM",
    "gpt2": "GPT2LMHeadModel",
}


def write_huggingface(
    source: Source, tokenizer: Tokenizer | None, directory: Path, dtype: Dtype
) -> str:
    """Write the directory; returns the class that loads it.

    Raises:
        RefusalError: no class of transformers computes what this model computes.
    """
    architecture = choose_architecture(source.config)
    tensors = to_huggingface(source.config, architecture, source.tensors)
    width = getattr(torch, dtype)
    packed = {
        name: torch.from_numpy(array).to(width).contiguous()
        for name, array in tensors.items()
    }
    write_bytes(directory / "model.safetensors", save(packed, {"format": "pt"}))
    config = build_huggingface_config(source.config, architecture, tokenizer, dtype)
    write_json(directory / "config.json", config)
    generation: dict[str, Any] = {
        "do_sample": False,
        "max_length": source.config.context_length,
    }
    if tokenizer is not None:
        ids = special_ids(tokenizer)
        generation |= {
            **ids,
            "eos_token_id": _ends(ids) or None,
        }
        write_tokenizer(tokenizer, directory, source.config.context_length)
    write_json(directory / "generation_config.json", generation)
    return CLASSES[architecture]


def read_huggingface(directory: Path, config: ModelConfig) -> dict[str, Array]:
    """Read the weights of such a directory back, under our names, in float32."""
    architecture = choose_architecture(config)
    tensors = load_file(directory / "model.safetensors")
    arrays = {name: tensor.float().numpy() for name, tensor in tensors.items()}
    ours: dict[str, Array] = {}
    for entry in huggingface_layout(architecture, our_names(config, architecture)):
        ours |= entry.scatter(arrays[entry.foreign], config)
    return ours


def to_huggingface(
    config: ModelConfig, architecture: Architecture, tensors: Mapping[str, Array]
) -> dict[str, Array]:
    """Rename our tensors to those of transformers; GPT-2's are transposed there."""
    tensors = complete(config, architecture, tensors)
    layout = huggingface_layout(architecture, list(tensors))
    return {entry.foreign: entry.gather(tensors) for entry in layout}


def build_huggingface_config(
    config: ModelConfig,
    architecture: Architecture,
    tokenizer: Tokenizer | None,
    dtype: Dtype,
) -> dict[str, Any]:
    """Content of config.json."""
    common = {
        "architectures": [CLASSES[architecture]],
        "model_type": architecture,
        "vocab_size": config.vocab_size,
        "tie_word_embeddings": config.tied,
        "dtype": dtype,
        "torch_dtype": dtype,
        "use_cache": True,
    }
    ids = special_ids(tokenizer) if tokenizer is not None else {}
    own = _gpt2_fields(config) if architecture == "gpt2" else _llama_fields(config)
    return {**common, **own, **{"bos_token_id": None, "eos_token_id": None}, **ids}


def special_ids(tokenizer: Tokenizer) -> dict[str, int | None]:
    """Ids that begin a text, end an answer and fill rows; None where there is none."""
    known = tokenizer.special_tokens
    names = border_tokens(known, choose_template(known))
    return {f"{key}_id": known[name] if name else None for key, name in names.items()}


def _ends(ids: Mapping[str, int | None]) -> list[int]:
    """Ids that end an answer: the end of a turn, and what begins another text."""
    found = (ids["eos_token_id"], ids["bos_token_id"])
    return list(dict.fromkeys(token for token in found if token is not None))


def _llama_fields(config: ModelConfig) -> dict[str, Any]:
    fields = {
        "hidden_size": config.d_model,
        "intermediate_size": config.d_ff,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "head_dim": config.d_head,
        "hidden_act": "silu",
        "max_position_embeddings": config.context_length,
        "rms_norm_eps": config.norm_epsilon,
        # the second is what transformers reads from its version 5 on
        "rope_theta": config.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "attention_bias": config.bias,
        "attention_dropout": 0.0,
    }
    return fields | ({"mlp_bias": config.bias} if config.qk_norm == "none" else {})


def _gpt2_fields(config: ModelConfig) -> dict[str, Any]:
    return {
        "n_embd": config.d_model,
        "n_inner": config.d_ff,
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "n_positions": config.context_length,
        "n_ctx": config.context_length,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": config.norm_epsilon,
        "attn_pdrop": 0.0,
        "embd_pdrop": 0.0,
        "resid_pdrop": 0.0,
    }
