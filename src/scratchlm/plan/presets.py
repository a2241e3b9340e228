"""Sizes by name: laptop models by depth, and the sizes that people speak of.

Every preset is an ordinary `ModelConfig`; nothing else knows these names.

- `depth-6`: a laptop model by its depth. Width 32 x depth rounded up to a multiple of
  64, from 256 on to the nearest multiple of 256; heads of 64 channels (of 32 below a
  width of 128).
- `nanochat-20`: nanochat's shape by its depth: width 64 x depth in heads of 128.
- `gpt2-…`, `1b`, `qwen3-…`: published shapes, to the last parameter. `-padded` after
  a GPT-2 name rounds its vocabulary up to 50,304, a multiple of 64.
- `15m`, `42m`, `110m`: ours, in Llama's block and vocabulary.
- `classic`, `diagram`: the two pictures of the classic guide, at GPT-2 small's size.

Where a shape is ours, d_model and d_ff are multiples of 256 from a width of 256 on:
the super-blocks of GGUF's k-quants are 256 wide.
"""

import difflib
import re
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig

LAPTOP_DEPTHS = (2, 4, 6, 8, 12, 16)
"""Depths that `preset_names` lists; any depth from 1 to 64 works."""

NANOCHAT_DEPTHS = (4, 8, 12, 20, 26, 32)
"""Depths that `preset_names` lists; any depth from 1 to 64 works."""

PADDED_VOCABULARY = 50_304
"""GPT-2's 50,257 rounded up to a multiple of 64."""

_MODERN: dict[str, Any] = {
    "position": "rope",
    "norm": "rmsnorm",
    "norm_placement": "pre",
    "mlp": "swiglu",
    "qk_norm": "before_rope",
    "bias": False,
    "tied": False,
    "rope_theta": 10_000.0,
    "norm_epsilon": 1e-6,
}
_TIED = {"tied": True}
_LLAMA = {
    **_MODERN,
    "qk_norm": "none",
    "rope_theta": 500_000.0,
    "norm_epsilon": 1e-5,
}
_LLAMA_2 = {**_LLAMA, "rope_theta": 10_000.0}
_QWEN = {**_MODERN, "rope_theta": 1_000_000.0, "d_head": 128}
_GPT2 = {
    **_MODERN,
    **_TIED,
    "position": "learned",
    "norm": "layernorm",
    "mlp": "gelu",
    "qk_norm": "none",
    "bias": True,
    "norm_epsilon": 1e-5,
}
_DIAGRAM = {
    **_MODERN,
    "norm": "layernorm",
    "norm_placement": "post",
    "qk_norm": "none",
    "bias": True,
    "norm_epsilon": 1e-5,
}
_EXPERTS = {
    **_QWEN,
    "n_experts": 128,
    "n_experts_per_token": 8,
    "d_expert": 768,
    "router": "softmax",
}

Size = tuple[dict[str, Any], int, int, int, int, int, int, int]

#                style  vocabulary context  L   H   K   C     F
_SIZES: dict[str, Size] = {
    "15m": ({**_LLAMA_2, **_TIED}, 32_000, 512, 8, 4, 4, 256, 768),
    "42m": ({**_LLAMA_2, **_TIED}, 32_000, 1024, 8, 8, 4, 512, 1536),
    "110m": ({**_LLAMA_2, **_TIED}, 32_000, 1024, 12, 12, 12, 768, 2048),
    "classic": (_GPT2, 50_257, 1024, 12, 12, 12, 768, 3072),
    "gpt2-124m": (_GPT2, 50_257, 1024, 12, 12, 12, 768, 3072),
    "diagram": (_DIAGRAM, 50_257, 1024, 12, 12, 4, 768, 2048),
    "gpt2-355m": (_GPT2, 50_257, 1024, 24, 16, 16, 1024, 4096),
    "qwen3-0.6b": ({**_QWEN, **_TIED}, 151_936, 40_960, 28, 16, 8, 1024, 3072),
    "gpt2-774m": (_GPT2, 50_257, 1024, 36, 20, 20, 1280, 5120),
    "1b": ({**_LLAMA, **_TIED}, 128_256, 8192, 16, 32, 8, 2048, 8192),
    "gpt2-1.5b": (_GPT2, 50_257, 1024, 48, 25, 25, 1600, 6400),
    "qwen3-1.7b": ({**_QWEN, **_TIED}, 151_936, 40_960, 28, 16, 8, 2048, 6144),
    "3b": ({**_LLAMA, **_TIED}, 128_256, 8192, 28, 24, 8, 3072, 8192),
    "qwen3-4b": ({**_QWEN, **_TIED}, 151_936, 40_960, 36, 32, 8, 2560, 9728),
    "7b": (_LLAMA_2, 32_000, 4096, 32, 32, 32, 4096, 11_008),
    "8b": (_LLAMA, 128_256, 8192, 32, 32, 8, 4096, 14_336),
    "qwen3-8b": (_QWEN, 151_936, 40_960, 36, 32, 8, 4096, 12_288),
    "13b": (_LLAMA_2, 32_000, 4096, 40, 40, 40, 5120, 13_824),
    "qwen3-14b": (_QWEN, 151_936, 40_960, 40, 40, 8, 5120, 17_408),
    "qwen3-30b-a3b": (_EXPERTS, 151_936, 40_960, 48, 32, 4, 2048, 6144),
    "qwen3-32b": (_QWEN, 151_936, 40_960, 64, 64, 8, 5120, 25_600),
    "70b": (_LLAMA, 128_256, 8192, 80, 64, 8, 8192, 28_672),
}
"""1b and 3b are Llama 3.2's shapes, 7b and 13b Llama 2's, 8b and 70b Llama 3's."""


def preset_names() -> list[str]:
    """Names of all presets, family by family, small to large."""
    laptop = [f"depth-{depth}" for depth in LAPTOP_DEPTHS]
    padded = [f"{name}-padded" for name in _SIZES if name.startswith("gpt2")]
    nanochat = [f"nanochat-{depth}" for depth in NANOCHAT_DEPTHS]
    return laptop + list(_SIZES) + padded + nanochat


def preset(name: str) -> ModelConfig:
    """Look up a preset by name (`depth-6`, `gpt2-124m`, `7b`, `nanochat-12` …).

    Raises:
        UserError: no such preset; the nearest name is offered.
    """
    key = name.strip().lower()
    if depth := re.fullmatch(r"(depth|nanochat)-(\d{1,2})", key):
        build = laptop_config if depth[1] == "depth" else nanochat_config
        return build(int(depth[2]))
    plain = key.removesuffix("-padded") if key.startswith("gpt2-") else key
    if plain not in _SIZES:
        near = difflib.get_close_matches(key, preset_names(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {preset_names()}"
        raise UserError(f"there is no preset {name!r}; {hint}")
    config = _build(*_SIZES[plain])
    if plain == key:
        return config
    return config.model_copy(update={"vocab_size": PADDED_VOCABULARY})


def laptop_config(
    depth: int,
    *,
    d_model: int | None = None,
    vocab_size: int = 4096,
    context_length: int = 256,
) -> ModelConfig:
    """Modern shape for a laptop: grouped queries (two to a key), SwiGLU of 8/3 width.

    `d_ff` is the next multiple of 64, so that 4-bit groups of 32 or 64 fit; of a
    width in 256s, the nearest multiple of 256.
    """
    _check_depth(depth)
    width = d_model if d_model is not None else _laptop_width(depth)
    n_heads = width // (64 if width >= 128 else 32)
    wide = width * 8 // 3
    return ModelConfig(
        vocab_size=vocab_size,
        context_length=context_length,
        n_layers=depth,
        n_heads=n_heads,
        n_kv_heads=n_heads // 2 if n_heads % 2 == 0 else n_heads,
        d_model=width,
        d_ff=_round_up(wide, 64) if width % 256 else _nearest(wide, 256),
        d_head=width // n_heads,
        **_MODERN,
    )


def nanochat_config(
    depth: int, *, vocab_size: int = 32_768, context_length: int = 2048
) -> ModelConfig:
    """nanochat's shape at a depth, its smear and backout left out.

    Width 64 x depth rounded up to heads of 128; ReLU² of four widths; norms without
    gains, also after the embedding; queries and keys normed after RoPE and times 1.2;
    value embeddings and residual scalars; logits capped at 15; three layers of four
    look back a quarter of the context, rounded up to 128 tokens.
    """
    _check_depth(depth)
    width = _round_up(64 * depth, 128)
    return ModelConfig(
        vocab_size=vocab_size,
        context_length=context_length,
        n_layers=depth,
        n_heads=width // 128,
        n_kv_heads=width // 128,
        d_model=width,
        d_ff=4 * width,
        d_head=128,
        rope_theta=100_000.0,
        norm_gain=False,
        embedding_norm=True,
        qk_norm="after_rope",
        qk_scale=1.2,
        mlp="relu2",
        attention_window=_round_up(-(-context_length // 4), 128),
        window_pattern="SSSL",
        logit_softcap=15.0,
        value_embeddings="alternate",
        residual_scalars=True,
        embedding_std=0.8,
        head_std=0.001,
    )


def _build(
    style: dict[str, Any],
    vocab_size: int,
    context_length: int,
    n_layers: int,
    n_heads: int,
    n_kv_heads: int,
    d_model: int,
    d_ff: int,
) -> ModelConfig:
    sizes = {
        "vocab_size": vocab_size,
        "context_length": context_length,
        "n_layers": n_layers,
        "n_heads": n_heads,
        "n_kv_heads": n_kv_heads,
        "d_model": d_model,
        "d_ff": d_ff,
        "d_head": d_model // n_heads,
    }
    return ModelConfig.model_validate({**sizes, **style})


def _laptop_width(depth: int) -> int:
    width = 32 * depth
    return _round_up(width, 64) if width < 256 else _nearest(width, 256)


def _check_depth(depth: int) -> None:
    if not 1 <= depth <= 64:
        raise UserError(f"depth {depth} is outside 1 to 64: choose a preset by name")


def _nearest(value: int, multiple: int) -> int:
    return (value + multiple // 2) // multiple * multiple


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
