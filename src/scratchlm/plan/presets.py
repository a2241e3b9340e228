"""Sizes by name: laptop models by depth, and the sizes that people speak of.

Every preset is an ordinary `ModelConfig`; nothing else knows these names. A laptop
model is named by its depth (`depth-6`): width 32 x depth rounded up to a multiple of
64, heads of 64 channels (of 32 below a width of 128).
"""

import difflib
import re
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig

LAPTOP_DEPTHS = (2, 4, 6, 8, 10, 12, 16)
"""Depths that `preset_names` lists; any depth from 1 to 64 works."""

_MODERN: dict[str, Any] = {
    "position": "rope",
    "norm": "rmsnorm",
    "norm_placement": "pre",
    "mlp": "swiglu",
    "qk_norm": True,
    "bias": False,
    "tied": False,
    "rope_theta": 10_000.0,
    "norm_epsilon": 1e-6,
}
_LLAMA = {**_MODERN, "qk_norm": False, "rope_theta": 500_000.0, "norm_epsilon": 1e-5}
_GPT2 = {
    **_MODERN,
    "position": "learned",
    "norm": "layernorm",
    "mlp": "gelu",
    "qk_norm": False,
    "bias": True,
    "tied": True,
    "norm_epsilon": 1e-5,
}

#                   style  vocabulary context  L   H   K   C     F
_SIZES: dict[str, tuple[dict[str, Any], int, int, int, int, int, int, int]] = {
    "gpt2-124m": (_GPT2, 50_257, 1024, 12, 12, 12, 768, 3072),
    "1b": ({**_LLAMA, "tied": True}, 128_256, 8192, 16, 32, 8, 2048, 8192),
    "7b": (_LLAMA, 32_000, 4096, 32, 32, 32, 4096, 11_008),
    "70b": (_LLAMA, 128_256, 8192, 80, 64, 8, 8192, 28_672),
}
"""gpt2-124m is GPT-2 small's shape, 1b Llama 3.2's, 7b Llama 2's, 70b Llama 3's."""


def preset_names() -> list[str]:
    """Names of all presets, small to large."""
    return [f"depth-{depth}" for depth in LAPTOP_DEPTHS] + list(_SIZES)


def preset(name: str) -> ModelConfig:
    """Look up a preset by name (`depth-6`, `gpt2-124m`, `7b` …).

    Raises:
        UserError: no such preset; the nearest name is offered.
    """
    key = name.strip().lower()
    if depth := re.fullmatch(r"depth-(\d{1,2})", key):
        return laptop_config(int(depth[1]))
    if key not in _SIZES:
        near = difflib.get_close_matches(key, preset_names(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {preset_names()}"
        raise UserError(f"there is no preset {name!r}; {hint}")
    style, vocab_size, context_length, *shape = _SIZES[key]
    n_layers, n_heads, n_kv_heads, d_model, d_ff = shape
    return ModelConfig(
        vocab_size=vocab_size,
        context_length=context_length,
        n_layers=n_layers,
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        d_model=d_model,
        d_ff=d_ff,
        d_head=d_model // n_heads,
        **style,
    )


def laptop_config(
    depth: int,
    *,
    d_model: int | None = None,
    vocab_size: int = 4096,
    context_length: int = 256,
) -> ModelConfig:
    """Modern shape for a laptop: grouped queries (two to a key), SwiGLU of 8/3 width.

    `d_ff` is rounded up to a multiple of 64, so that 4-bit groups of 32 or 64 fit.
    """
    if not 1 <= depth <= 64:
        raise UserError(f"depth {depth} is outside 1 to 64: choose a preset by name")
    width = d_model if d_model is not None else _round_up(32 * depth, 64)
    n_heads = width // (64 if width >= 128 else 32)
    return ModelConfig(
        vocab_size=vocab_size,
        context_length=context_length,
        n_layers=depth,
        n_heads=n_heads,
        n_kv_heads=n_heads // 2 if n_heads % 2 == 0 else n_heads,
        d_model=width,
        d_ff=_round_up(width * 8 // 3, 64),
        d_head=width // n_heads,
        **_MODERN,
    )


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
