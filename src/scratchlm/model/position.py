"""Rotary positions (RoPE, Su et al. 2021), in the split-half layout of Llama and Qwen.

Axes: B batch, H heads, T tokens, D head channels. Channels i and i + D/2 are turned
by the angle position · θ^(-2i/D).

To reach s times beyond the context that was trained, linear scaling (Chen et al. 2023)
turns everything s times more slowly. YaRN (Peng et al. 2023) does so with the slow
channels only, those that turn less than once over the original context, leaves those
that turn more than 32 times, goes over linearly between, and sharpens attention by
making queries and keys 0.1 ln s + 1 times longer.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from scratchlm.model.config import ModelConfig

FAST_TURNS = 32.0
"""Turns over the original context from which on YaRN leaves a channel alone."""

SLOW_TURNS = 1.0
"""Turns below which YaRN stretches a channel as linear scaling does."""


def rotary_table(
    d_head: int, context_length: int, theta: float
) -> tuple[Float[Tensor, "T half"], Float[Tensor, "T half"]]:
    """Cosines and sines of all angles, float32, computed in float64."""
    return _table(_frequencies(d_head, theta), context_length)


def build_rotary(
    config: ModelConfig,
) -> tuple[Float[Tensor, "T half"], Float[Tensor, "T half"]]:
    """The table of a model's config, scaled as that says.

    YaRN's sharpening is multiplied into it, so that a turned query is longer, too.
    """
    frequencies = _frequencies(config.d_head, config.rope_theta)
    if config.rope_scaling == "linear":
        frequencies = frequencies / config.rope_factor
    if config.rope_scaling == "yarn":
        kept = _yarn_kept(config)
        stretched = frequencies / config.rope_factor
        frequencies = frequencies * kept + stretched * (1 - kept)
    cos, sin = _table(frequencies, config.context_length)
    sharpness = rotary_sharpness(config)
    return cos * sharpness, sin * sharpness


def rotary_sharpness(config: ModelConfig) -> float:
    """By how much YaRN makes queries and keys longer; 1 without it."""
    if config.rope_scaling != "yarn":
        return 1.0
    return 0.1 * math.log(config.rope_factor) + 1


def rotate(
    x: Float[Tensor, "B H T D"],
    cos: Float[Tensor, "*rows T half"],
    sin: Float[Tensor, "*rows T half"],
) -> Float[Tensor, "B H T D"]:
    """Turn each pair of channels by the angle of its position.

    `cos` and `sin` are (T, D/2) for positions shared by the batch, or (B, 1, T, D/2).
    """
    if torch.compiler.is_compiling():
        low, high = x.chunk(2, -1)
        cos, sin = cos.to(x.dtype), sin.to(x.dtype)
        return torch.cat((low * cos - high * sin, high * cos + low * sin), -1)
    if torch.is_grad_enabled():
        result: Tensor = _Rotate.apply(x, cos, sin)  # type: ignore[no-untyped-call]
        return result
    return _turn(x, cos, sin)


def _frequencies(d_head: int, theta: float) -> Float[Tensor, " half"]:
    """Radians a token of each pair of channels, float64."""
    exponent = torch.arange(0, d_head, 2, dtype=torch.float64) / d_head
    return theta**-exponent


def _table(frequencies: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    angles = torch.outer(torch.arange(context_length, dtype=torch.float64), frequencies)
    return angles.cos().float(), angles.sin().float()


def _yarn_kept(config: ModelConfig) -> Float[Tensor, " half"]:
    """How much of its speed each pair keeps: 1 for the fast ones, 0 for the slow."""
    d_head, context = config.d_head, config.original_context

    def pair_that_turns(n_turns: float) -> float:
        radians = context / (n_turns * 2 * math.pi)
        return d_head * math.log(radians) / (2 * math.log(config.rope_theta))

    first = max(math.floor(pair_that_turns(FAST_TURNS)), 0)
    last = min(math.ceil(pair_that_turns(SLOW_TURNS)), d_head - 1)
    pairs = torch.arange(d_head // 2, dtype=torch.float64)
    width = max(last - first, 0.001)  # both in one pair: a step
    return 1 - ((pairs - first) / width).clamp(0, 1)


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    low, high = x[..., :half], x[..., half:]
    result = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    torch.mul(low, cos, out=result[..., :half]).addcmul_(high, sin, value=-1)
    torch.mul(high, cos, out=result[..., half:]).addcmul_(low, sin)
    return result


class _Rotate(torch.autograd.Function):
    """A rotation's backward is the rotation by the opposite angle."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turn(x, cos.to(x.dtype), sin.to(x.dtype))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = (table.to(grad.dtype) for table in ctx.saved_tensors)
        return _turn(grad, cos, -sin), None, None
