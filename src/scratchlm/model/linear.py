"""A linear layer whose weight gradient can be summed over pieces of the tokens.

Axes: N tokens in a row, C inputs, R outputs. dW = gᵀ x is one product over all N; on
processors with matrix tiles (AMX) it is up to twice as fast as a sum over 1,024 tokens
at a time, elsewhere a few per cent slower. Which form, the machine's section of a
recipe says; the layer is torch's own unless it says "chunked".
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

CHUNK_TOKENS = 1024


class Linear(nn.Linear):
    """`nn.Linear` with a choice of how its weight gradient is computed."""

    chunked = False

    def forward(self, input: Float[Tensor, "*rows C"]) -> Float[Tensor, "*rows R"]:
        """Apply x Wᵀ + b."""
        if self.chunked and torch.is_grad_enabled():
            result: Tensor = _ChunkedLinear.apply(input, self.weight, self.bias)  # type: ignore[no-untyped-call]
            return result
        bias: Tensor | None = self.bias
        if bias is not None and bias.dtype != self.weight.dtype:
            bias = bias.to(self.weight.dtype)  # vectors stay in float32
        return nn.functional.linear(input, self.weight, bias)


class _ChunkedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        low = None if bias is None else bias.to(weight.dtype)
        return nn.functional.linear(x, weight, low)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None]:
        x, weight = ctx.saved_tensors
        g, rows = grad.flatten(0, -2), x.flatten(0, -2)
        grad_weight = torch.zeros(weight.shape, dtype=torch.float32, device=g.device)
        for at in range(0, len(g), CHUNK_TOKENS):
            piece = slice(at, at + CHUNK_TOKENS)
            grad_weight += g[piece].t() @ rows[piece]
        grad_bias = g.float().sum(0) if ctx.has_bias else None
        grad_x = grad @ weight if ctx.needs_input_grad[0] else None
        return grad_x, grad_weight.to(weight.dtype), grad_bias
