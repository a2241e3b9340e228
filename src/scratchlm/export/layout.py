"""Where each of our tensors stands in a foreign file, there and back.

    ours                        GGUF          GPT-2 (Hugging Face)
    embed_tokens                token_embd    transformer.wte
    embed_positions             position_embd transformer.wpe
    norm                        output_norm   transformer.ln_f
    lm_head                     output        lm_head
    layers.i. …                 blk.i. …      transformer.h.i. …
      input_layernorm           attn_norm     ln_1
      self_attn.{q,k,v}_proj    attn_{q,k,v}  attn.c_attn (stacked)
      self_attn.{q,k}_norm      attn_{q,k}_norm
      self_attn.o_proj          attn_output   attn.c_proj
      post_attention_layernorm  ffn_norm      ln_2
      mlp.gate_proj             ffn_gate
      mlp.up_proj               ffn_up        mlp.c_fc
      mlp.down_proj             ffn_down      mlp.c_proj

Llama and Qwen3 checkpoints of Hugging Face have our names behind "model.". GPT-2 there
stores its matrices transposed (inputs, outputs); in GGUF it stacks `attn_qkv` by rows.
GGUF's Llama turns neighbouring channels where ours turns halves, so the rows of its
queries and keys are interleaved within each head.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchlm.export.architecture import Architecture
from scratchlm.model.config import ModelConfig

Array = NDArray[np.generic]

_STACKED = tuple(f"self_attn.{part}_proj" for part in "qkv")
_OUTSIDE = {
    "embed_tokens": ("token_embd", "transformer.wte"),
    "embed_positions": ("position_embd", "transformer.wpe"),
    "norm": ("output_norm", "transformer.ln_f"),
    "lm_head": ("output", "lm_head"),
}
_INSIDE = {
    "input_layernorm": ("attn_norm", "ln_1"),
    "self_attn.q_proj": ("attn_q", "attn.c_attn"),
    "self_attn.k_proj": ("attn_k", "attn.c_attn"),
    "self_attn.v_proj": ("attn_v", "attn.c_attn"),
    "self_attn.q_norm": ("attn_q_norm", ""),
    "self_attn.k_norm": ("attn_k_norm", ""),
    "self_attn.o_proj": ("attn_output", "attn.c_proj"),
    "post_attention_layernorm": ("ffn_norm", "ln_2"),
    "mlp.gate_proj": ("ffn_gate", ""),
    "mlp.up_proj": ("ffn_up", "mlp.c_fc"),
    "mlp.down_proj": ("ffn_down", "mlp.c_proj"),
}


@dataclass(frozen=True)
class Entry:
    """One tensor of a foreign file."""

    foreign: str
    """Its name there."""
    ours: tuple[str, ...]
    """Our tensors whose rows it stacks, in order."""
    transposed: bool = False
    """Whether it is stored as (inputs, outputs)."""
    interleaved_heads: int | None = None
    """Heads whose rows are interleaved, or None."""

    def gather(self, tensors: Mapping[str, Array]) -> Array:
        """Build the foreign tensor from ours; works on rows of packed blocks too."""
        array = np.concatenate([tensors[name] for name in self.ours])
        if self.interleaved_heads is not None:
            array = _swap_pairs(array, (self.interleaved_heads, 2, -1))
        return np.ascontiguousarray(array.T if self.transposed else array)

    def scatter(self, array: Array, config: ModelConfig) -> dict[str, Array]:
        """Take our tensors from the foreign one: the inverse of `gather`."""
        array = array.T if self.transposed else array
        if self.interleaved_heads is not None:
            array = _swap_pairs(array, (self.interleaved_heads, -1, 2))
        if len(self.ours) == 1:
            return {self.ours[0]: array}
        queries, keys = (
            config.n_heads * config.d_head,
            config.n_kv_heads * config.d_head,
        )
        parts = np.split(array, [queries, queries + keys])
        return dict(zip(self.ours, parts, strict=True))


def our_names(config: ModelConfig, architecture: Architecture) -> list[str]:
    """Names of all our tensors that a file of this architecture holds."""
    names = list(_OUTSIDE)
    names += [
        f"layers.{layer}.{module}"
        for layer in range(config.n_layers)
        for module in _INSIDE
        if (architecture == "qwen3" or not module.endswith(("q_norm", "k_norm")))
        and (architecture != "gpt2" or module != "mlp.gate_proj")
    ]
    if architecture != "gpt2":
        names.remove("embed_positions")
    if config.tied:
        names.remove("lm_head")
    result = [f"{name}.weight" for name in names]
    for name in names:
        norm = name == "norm" or name.endswith("norm")
        offset = architecture == "gpt2" and (norm or name.endswith("_proj"))
        if offset or (config.bias and name.endswith("_proj")):
            result.append(f"{name}.bias")
    return sorted(result)


def complete(
    config: ModelConfig, architecture: Architecture, tensors: Mapping[str, Array]
) -> dict[str, Array]:
    """Add what the architecture demands and we left out: GPT-2's biases, as zeros."""
    filled = dict(tensors)
    for name in our_names(config, architecture):
        if name not in filled:
            rows = len(filled[name.replace(".bias", ".weight")])
            filled[name] = np.zeros(rows, np.float32)
    return dict(sorted(filled.items()))


def huggingface_layout(architecture: Architecture, names: list[str]) -> Iterator[Entry]:
    """Entries of `model.safetensors` for our tensors of these names."""
    for name in names:
        layer, module, kind = split_name(name)
        if architecture != "gpt2":
            prefix = "" if module == "lm_head" else "model."
            yield Entry(f"{prefix}{name}", (name,))
        elif layer is None:
            yield Entry(f"{_OUTSIDE[module][1]}.{kind}", (name,))
        elif module in _STACKED[1:]:
            continue
        else:
            foreign = f"transformer.h.{layer}.{_INSIDE[module][1]}.{kind}"
            matrix = kind == "weight" and module.endswith("_proj")
            yield Entry(foreign, _stack(layer, module, kind), transposed=matrix)


def gguf_layout(
    config: ModelConfig, architecture: Architecture, names: list[str]
) -> Iterator[Entry]:
    """Entries of a GGUF file for our tensors of these names."""
    heads = {_STACKED[0]: config.n_heads, _STACKED[1]: config.n_kv_heads}
    for name in names:
        layer, module, kind = split_name(name)
        if layer is None:
            yield Entry(f"{_OUTSIDE[module][0]}.{kind}", (name,))
        elif architecture == "gpt2" and module in _STACKED:
            if module == _STACKED[0]:
                foreign = f"blk.{layer}.attn_qkv.{kind}"
                yield Entry(foreign, _stack(layer, module, kind))
        else:
            turned = heads.get(module) if architecture == "llama" else None
            foreign = f"blk.{layer}.{_INSIDE[module][0]}.{kind}"
            yield Entry(foreign, (name,), interleaved_heads=turned)


def split_name(name: str) -> tuple[str | None, str, str]:
    """Split `layers.3.mlp.up_proj.weight` into ("3", "mlp.up_proj", "weight")."""
    module, _, kind = name.rpartition(".")
    if not module.startswith("layers."):
        return None, module, kind
    _, layer, inner = module.split(".", 2)
    return layer, inner, kind


def _stack(layer: str, module: str, kind: str) -> tuple[str, ...]:
    modules = _STACKED if module == _STACKED[0] else (module,)
    return tuple(f"layers.{layer}.{each}.{kind}" for each in modules)


def _swap_pairs(array: Array, heads: tuple[int, int, int]) -> Array:
    """Turn (heads, 2, D/2) rows into (heads, D/2, 2), or back."""
    split = array.reshape(*heads, *array.shape[1:])
    return split.swapaxes(1, 2).reshape(array.shape)
