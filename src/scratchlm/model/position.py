"""Rotary positions (RoPE, Su et al. 2021), in the split-half layout of Llama and Qwen.

Axes: B batch, H heads, T tokens, D head channels. Channels i and i + D/2 are turned
by the angle position · θ^(-2i/D).
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def rotary_table(
    d_head: int, context_length: int, theta: float
) -> tuple[Float[Tensor, "T half"], Float[Tensor, "T half"]]:
    """Cosines and sines of all angles, float32, computed in float64."""
    exponent = torch.arange(0, d_head, 2, dtype=torch.float64) / d_head
    angles = torch.outer(
        torch.arange(context_length, dtype=torch.float64), theta**-exponent
    )
    return angles.cos().float(), angles.sin().float()


def rotate(
    x: Float[Tensor, "B H T D"],
    cos: Float[Tensor, "*rows T half"],
    sin: Float[Tensor, "*rows T half"],
) -> Float[Tensor, "B H T D"]:
    """Turn each pair of channels by the angle of its position.

    `cos` and `sin` are (T, D/2) for positions shared by the batch, or (B, 1, T, D/2).
    """
    if torch.is_grad_enabled():
        result: Tensor = _Rotate.apply(x, cos, sin)  # type: ignore[no-untyped-call]
        return result
    return _turn(x, cos, sin)


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
