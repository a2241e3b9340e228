"""Normalisation. Axes: … any, C channels.

RMSNorm (Zhang and Sennrich 2019): y = x / sqrt(mean(x²) + ε) · w, statistics in
float32 whatever the input. LayerNorm (Ba et al. 2016) is torch's own.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scratchlm.model.config import ModelConfig


class RMSNorm(nn.Module):
    """Root-mean-square normalisation with a gain or none, without a bias."""

    weight: Tensor | None

    def __init__(self, width: int, epsilon: float, *, gain: bool = True) -> None:
        super().__init__()
        weight = nn.Parameter(torch.ones(width)) if gain else None
        self.register_parameter("weight", weight)
        self.epsilon = epsilon

    def forward(self, x: Float[Tensor, "*batch C"]) -> Float[Tensor, "*batch C"]:
        """Normalise the last axis."""
        if torch.compiler.is_compiling():
            return _plain_norm(x, self.weight, self.epsilon)
        if torch.is_grad_enabled():
            result: Tensor = _RMSNormFunction.apply(x, self.weight, self.epsilon)  # type: ignore[no-untyped-call]
            return result
        unit = _normalise(x, self.epsilon)[0]
        return (unit if self.weight is None else unit.mul_(self.weight)).to(x.dtype)


def build_norm(config: ModelConfig) -> nn.Module:
    """Build the norm of the residual stream that the config names."""
    width, epsilon, gain = config.d_model, config.norm_epsilon, config.norm_gain
    if config.norm == "rmsnorm":
        return RMSNorm(width, epsilon, gain=gain)
    return nn.LayerNorm(width, eps=epsilon, elementwise_affine=gain, bias=config.bias)


def _plain_norm(x: Tensor, weight: Tensor | None, epsilon: float) -> Tensor:
    """The formula, for a compiler to fuse."""
    wide = x.float()
    unit = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)
    return (unit if weight is None else unit * weight).to(x.dtype)


def _normalise(x: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    wide = x.float()
    mean_square = torch.linalg.vector_norm(wide, dim=-1, keepdim=True)
    mean_square = mean_square.square_().div_(x.shape[-1])
    inverse = mean_square.add_(epsilon).rsqrt_()  # (…, 1)
    return wide * inverse, inverse


class _RMSNormFunction(torch.autograd.Function):
    """The same norm with its backward written out: a third of autograd's passes."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor | None, epsilon: float) -> Tensor:
        unit, inverse = _normalise(x, epsilon)
        ctx.save_for_backward(unit, inverse, weight)
        return (unit if weight is None else unit * weight).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor | None, None]:
        unit, inverse, weight = ctx.saved_tensors
        wide = grad.float()
        product = wide * unit
        if weight is None:
            inner = product.mean(-1, keepdim=True)
            grad_x = wide.addcmul(unit, inner, value=-1).mul_(inverse)
            return grad_x.to(grad.dtype), None, None
        grad_weight = product.flatten(0, -2).sum(0)
        # dx = (g·w - u · mean(g·w·u)) / rms
        inner = (product @ weight).unsqueeze(-1).div_(unit.shape[-1])
        grad_x = (wide * weight).addcmul_(unit, inner, value=-1).mul_(inverse)
        return grad_x.to(grad.dtype), grad_weight, None
