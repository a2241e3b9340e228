"""What the layers see: second moments of every linear layer's input.

A linear layer y = W x that is rounded to W + Δ errs by Δ x. Summed over the
calibration tokens that is exactly

    Σ |Δ x|² / n = tr(Δ H Δᵀ),    H = Σ x xᵀ / n,

so one pass with the full-precision model, keeping H (C, C) of each layer, answers
every later question about that layer's error: no activations are kept, no forward
pass is repeated.

Axes: N sequences, T tokens, C input channels, R output channels.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from scratchlm.base.progress import SILENT, Progress
from scratchlm.model.transformer import Transformer


@dataclass(frozen=True)
class InputStatistics:
    """Moments of one layer's input over the calibration tokens."""

    gram: Float[Tensor, "C C"]
    """Mean of x xᵀ, float32."""
    abs_mean: Float[Tensor, " C"]
    """Mean of |x|, float32."""


def collect_statistics(
    model: Transformer,
    names: Iterable[str],
    tokens: Int[Tensor, "N T"],
    batch_size: int = 8,
    progress: Progress = SILENT,
) -> dict[str, InputStatistics]:
    """Run the calibration tokens and gather the named layers' input moments.

    Memory: C² numbers of 8 bytes a name; layers that share an input need one name.
    """
    sums = {name: _Sums() for name in names}
    with _watching(model, sums), torch.inference_mode():
        for first in range(0, len(tokens), batch_size):
            model.hidden(tokens[first : first + batch_size])
            progress.update(first, len(tokens), "calibration")
    return {name: total.means() for name, total in sums.items()}


def output_energy(
    rows: Float[Tensor, "R C"], gram: Float[Tensor, "C C"]
) -> Float64[Tensor, ""]:
    """Mean squared norm of the outputs, tr(W H Wᵀ); of a difference, the error."""
    return ((rows @ gram) * rows).sum(dtype=torch.float64)


class _Sums:
    """Running sums in float64, so that their order hardly matters."""

    def __init__(self) -> None:
        self.gram: Tensor | float = 0.0
        self.abs_sum: Tensor | float = 0.0
        self.n_tokens = 0

    def add(self, x: Tensor) -> None:
        flat = x.flatten(0, -2).float()
        self.gram = self.gram + (flat.t() @ flat).double()
        self.abs_sum = self.abs_sum + flat.abs().sum(0, dtype=torch.float64)
        self.n_tokens += len(flat)

    def means(self) -> InputStatistics:
        assert isinstance(self.gram, Tensor) and isinstance(self.abs_sum, Tensor)
        gram = (self.gram / self.n_tokens).float().clone()
        return InputStatistics(gram, (self.abs_sum / self.n_tokens).float().clone())


@contextmanager
def _watching(model: nn.Module, sums: dict[str, _Sums]) -> Iterator[None]:
    handles = [
        model.get_submodule(name).register_forward_pre_hook(_hook(total))
        for name, total in sums.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook(total: _Sums) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    def record(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        total.add(inputs[0])

    return record
