"""The ceiling: what this machine's matrix products reach on a model's own shapes.

    N tokens of a micro-batch, R outputs and C inputs of a matrix

Each matrix costs three products a step: y = x Wᵀ, dx = g W, dW = gᵀ x. The ceiling is
the FLOPs of all of them over their time (time-weighted, so that a slow shape counts as
much as it lasts); each product in its best of several layouts and its best repeat.
Utilisation (MFU) is the model's arithmetic over this, not over a data sheet.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scratchlm.model.experts import MixtureOfExperts

Shape = tuple[int, int]
"""(R, C) of a matrix, as torch holds it."""

CHUNK_ROWS = 1024
"""Rows of the second layout: long products may be slower than several short ones."""
REPEATS = 3
PATIENCE = 2.0
"""A product is not repeated once it took so many times its share of the budget."""


@dataclass(frozen=True)
class Ceiling:
    """What was reached."""

    flops_per_s: float
    """All products over all their time; the figure that MFU is a share of."""
    forward_flops_per_s: float
    """The products y = x Wᵀ alone."""
    backward_flops_per_s: float
    """The products dx = g W and dW = gᵀ x alone."""
    n_tokens: int
    dtype: str
    by_shape: Mapping[Shape, float]
    """FLOP/s of each shape, forward and backward."""


def matrix_shapes(model: nn.Module) -> Counter[Shape]:
    """Count the matrices that every token is multiplied by: (R, C) → how many.

    Embeddings are looked up, not multiplied, and left out; the head counts, tied too;
    of experts as many as a token goes through.
    """
    shapes = Counter[Shape]()
    for module in model.modules():
        if isinstance(module, nn.Linear):
            shapes[module.out_features, module.in_features] += 1
        elif isinstance(module, MixtureOfExperts):
            for stack in module.parameters(recurse=False):  # (N, R, C)
                R, C = stack.shape[1:]
                shapes[R, C] += module.config.n_experts_per_token
    return shapes


@torch.no_grad()
def measure_ceiling(
    shapes: Mapping[Shape, int],
    n_tokens: int,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
    budget_s: float = 3.0,
) -> Ceiling:
    """Time the products of a step, for about `budget_s` seconds.

    Args:
        shapes: of `matrix_shapes`.
        n_tokens: N, tokens of one micro-batch.
        dtype: what the products compute in.
        device: where.
        budget_s: shared out over the shapes; each layout is repeated three times,
            fewer where that would take far longer.
    """
    assert shapes and n_tokens > 0
    share = budget_s / (3 * len(shapes))
    spent = {
        shape: _product_times(shape, n_tokens, dtype, torch.device(device), share)
        for shape in shapes
    }
    work = {shape: 2.0 * n_tokens * shape[0] * shape[1] for shape in shapes}

    def rate(products: slice) -> float:
        times = {shape: spent[shape][products] for shape in shapes}
        flops = sum(n * work[s] * len(times[s]) for s, n in shapes.items())
        return flops / sum(n * sum(times[s]) for s, n in shapes.items())

    return Ceiling(
        flops_per_s=rate(slice(0, 3)),
        forward_flops_per_s=rate(slice(0, 1)),
        backward_flops_per_s=rate(slice(1, 3)),
        n_tokens=n_tokens,
        dtype=str(dtype).removeprefix("torch."),
        by_shape={shape: 3 * work[shape] / sum(spent[shape]) for shape in shapes},
    )


def _product_times(
    shape: Shape, n_tokens: int, dtype: torch.dtype, device: torch.device, share: float
) -> list[float]:
    """Seconds of y, dx and dW over N tokens, each in its best layout."""
    R, C = shape
    draw = torch.Generator().manual_seed(0)  # values play no part, zeros might
    weight = torch.randn(R, C, generator=draw).to(device, dtype)
    x = torch.randn(n_tokens, C, generator=draw).to(device, dtype)
    g = torch.randn(n_tokens, R, generator=draw).to(device, dtype)
    layouts: tuple[tuple[Callable[[Tensor, Tensor], Tensor], ...], ...] = (
        (lambda x, g: x @ weight.t(),),
        (lambda x, g: g @ weight,),
        (lambda x, g: g.t() @ x, lambda x, g: x.t() @ g),
    )
    return [
        min(
            _best_time(product, rows, share / (2 * len(products)))
            for product in products
            for rows in _cuts(x, g)
        )
        for products in layouts
    ]


def _cuts(x: Tensor, g: Tensor) -> Iterator[list[tuple[Tensor, Tensor]]]:
    yield [(x, g)]
    if x.shape[0] > CHUNK_ROWS:
        parts = zip(x.split(CHUNK_ROWS), g.split(CHUNK_ROWS), strict=True)
        yield list(parts)


def _best_time(
    product: Callable[[Tensor, Tensor], Tensor],
    parts: list[tuple[Tensor, Tensor]],
    share: float,
) -> float:
    is_cuda = parts[0][0].is_cuda
    product(*parts[0])  # the first call of a shape is slower
    times: list[float] = []
    while not times or (
        sum(times) < share if len(times) >= REPEATS else sum(times) < PATIENCE * share
    ):
        begun = _now(is_cuda)
        for x, g in parts:
            product(x, g)
        times.append(_now(is_cuda) - begun)
    return min(times)


def _now(is_cuda: bool) -> float:
    if is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter()
