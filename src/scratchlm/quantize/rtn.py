"""Round to nearest: each weight goes to the closest point of its group's grid.

The yardstick: it looks at no data. Everything else must do better.

Axes: R output channels, C input channels.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scratchlm.model.quantized_linear import QuantizedRows, dequantize, quantize_rows
from scratchlm.quantize.config import QuantizeConfig


def round_weight(weight: Float[Tensor, "R C"], config: QuantizeConfig) -> QuantizedRows:
    """Quantise one weight to nearest."""
    return quantize_rows(weight, config.bits, config.group_size)


def rounded(
    weight: Float[Tensor, "R C"], config: QuantizeConfig
) -> Float[Tensor, "R C"]:
    """Quantise and decode again: the weight that will be multiplied with."""
    codes, grid = round_weight(weight, config)
    return dequantize(codes, grid, config.group_size)


def rounding_error(
    weight: Float[Tensor, "R C"],
    config: QuantizeConfig,
    scale: Float[Tensor, " C"] | None = None,
) -> Float[Tensor, "R C"]:
    """The change that rounding makes, Q(W s) / s - W."""
    if scale is None:
        scale = torch.ones(weight.shape[1], device=weight.device)
    return rounded(weight * scale, config) / scale - weight


@torch.no_grad()
def round_layers(
    model: nn.Module, names: Iterable[str], config: QuantizeConfig
) -> None:
    """Round the named layers' weights in place; they stay plain linear layers."""
    for name in names:
        weight = model.get_submodule(name).get_parameter("weight")
        weight.copy_(rounded(weight, config))
