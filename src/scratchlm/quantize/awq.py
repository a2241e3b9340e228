"""Activation-aware weight quantisation (AWQ, Lin et al. 2023, arXiv:2306.00978).

A few input channels carry most of the signal. Their weights are made larger before
rounding (and their inputs smaller), so that they lose less. The scale of channel c is
searched along two families, r in [0, 1], and along the identity:

    plain:  s = a^r                     a[c] = mean |x[c]| over the calibration tokens
    duo:    s = a^r / w^(1 - r)         w[c] = mean |W[:, c]| / its group's largest

The error of a candidate is exact, from the layers' input moments (`calibrate`):
tr(Δ H Δᵀ) relative to tr(W H Wᵀ), summed over the layers that share the scale, so that
a layer whose output is renormalised (queries and keys) counts as much as the others.
With the identity among the candidates the error is never above rounding to nearest.

Clipping then gives up a part of a group's range where that lowers the group's own
error (from the diagonal block of H: exact but for what the groups do to each other); a
layer keeps it only where the layer's whole error falls.

Axes: R output channels, C input channels, G groups, g channels of a group.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from scratchlm.model.quantized_linear import (
    Grid,
    QuantizedRows,
    build_grid,
    dequantize,
    grouped,
    quantize_rows,
    round_to_grid,
)
from scratchlm.quantize.calibrate import InputStatistics, output_energy
from scratchlm.quantize.config import QuantizeConfig
from scratchlm.quantize.rtn import rounding_error
from scratchlm.quantize.scaling import ScalingGroup

_SMALLEST_SCALE = 1e-4
_SHRINKS = [1 - step / 20 for step in range(11)]  # shares of the range, 1 to 0.5


@dataclass(frozen=True)
class ScaleChoice:
    """The best scale of a group of layers."""

    scale: Float[Tensor, " shared"]
    """One scale a channel, or a shared channel; ones where nothing helps."""
    name: str
    """Which candidate it is: "identity", "plain 0.35", "duo 0.5"."""
    error_frac: float
    """Mean over the layers of their squared output error, relative to the output."""
    rtn_error_frac: float
    """The same for rounding to nearest."""


def search_scale(
    weights: Sequence[Float[Tensor, "_ C"]],
    statistics: InputStatistics,
    group: ScalingGroup,
    config: QuantizeConfig,
) -> ScaleChoice:
    """Find the channel scale under which a group's rounding errs least.

    Args:
        weights: of the group's layers, in full precision, never changed.
        statistics: of the input that they share.
        group: tells which channels must have one scale.
        config: the grid.
    """
    stacked = torch.cat(list(weights))
    importance = torch.cat([_importance(weight, statistics) for weight in weights])
    best = ScaleChoice(torch.ones(0), "", float("inf"), float("inf"))
    for name, shared in _candidates(stacked, statistics, group, config):
        error = rounding_error(stacked, config, group.spread(shared)) * importance
        error_frac = float(output_energy(error, statistics.gram)) / len(weights)
        rtn = error_frac if name == "identity" else best.rtn_error_frac
        if error_frac < best.error_frac:
            best = ScaleChoice(shared, name, error_frac, rtn)
    return best


def clip_weight(
    weight: Float[Tensor, "R C"],
    gram: Float[Tensor, "C C"],
    config: QuantizeConfig,
) -> QuantizedRows:
    """Quantise one weight with the best share of each group's range."""
    plain = quantize_rows(weight, config.bits, config.group_size)
    clipped = _clip_groups(weight, gram, config)
    errors = [
        float(output_energy(dequantize(*rows, config.group_size) - weight, gram))
        for rows in (plain, clipped)
    ]
    return clipped if errors[1] < errors[0] else plain


def _importance(
    weight: Float[Tensor, "R C"], statistics: InputStatistics
) -> Float[Tensor, "R 1"]:
    """1 / the root of the output's energy: errors then add up as relative ones."""
    energy = output_energy(weight, statistics.gram).clamp(min=1e-30)
    return energy.rsqrt().to(weight.dtype).expand(len(weight), 1)


def _candidates(
    weight: Float[Tensor, "R C"],
    statistics: InputStatistics,
    group: ScalingGroup,
    config: QuantizeConfig,
) -> list[tuple[str, Float[Tensor, " shared"]]]:
    activation = group.share(statistics.abs_mean)
    size = group.share(_relative_size(weight, config.group_size))
    result = [("identity", torch.ones_like(activation))]
    for step in range(1, config.n_grid + 1):
        r = step / config.n_grid
        result.append((f"plain {r:g}", _tame(activation**r)))
    for step in range(config.n_grid):
        r = step / config.n_grid
        scale = activation**r / (size ** (1 - r) + 1e-4)
        result.append((f"duo {r:g}", _tame(scale)))
    return result


def _relative_size(
    weight: Float[Tensor, "R C"], group_size: int
) -> Float[Tensor, " C"]:
    groups = grouped(weight.abs(), group_size)  # (R, G, g)
    groups = groups / (groups.amax(2, keepdim=True) + 1e-30)
    return groups.mean(0).flatten()[: weight.shape[1]]


def _tame(scale: Float[Tensor, " C"]) -> Float[Tensor, " C"]:
    """Centre the scales around one, and give dead channels a usable one."""
    scale = scale.clamp(min=_SMALLEST_SCALE)
    scale = scale / (scale.max() * scale.min()).sqrt()
    return torch.where(scale.isfinite(), scale, torch.ones_like(scale))


def _clip_groups(
    weight: Float[Tensor, "R C"],
    gram: Float[Tensor, "C C"],
    config: QuantizeConfig,
) -> QuantizedRows:
    groups = grouped(weight, config.group_size)  # (R, G, g)
    blocks = _diagonal_blocks(gram, config.group_size)  # (G, g, g)
    low, high = groups.amin(2), groups.amax(2)
    grid = build_grid(low, high, config.bits)
    least = torch.full_like(low, float("inf"))
    for share in _SHRINKS:
        trial = build_grid(low * share, high * share, config.bits)
        codes = round_to_grid(weight, trial, config.bits, config.group_size)
        change = dequantize(codes, trial, config.group_size) - weight
        change = grouped(change, config.group_size)
        error = torch.einsum("rgi,gij,rgj->rg", change, blocks, change)
        better = error < least
        least = torch.where(better, error, least)
        grid = Grid(
            torch.where(better, trial.scales, grid.scales),
            torch.where(better, trial.zero_points, grid.zero_points),
        )
    codes = round_to_grid(weight, grid, config.bits, config.group_size)
    return QuantizedRows(codes, grid)


def _diagonal_blocks(
    gram: Float[Tensor, "C C"], group_size: int
) -> Float[Tensor, "G g g"]:
    missing = -len(gram) % group_size
    padded = torch.nn.functional.pad(gram, (0, missing, 0, missing))
    n_groups = len(padded) // group_size
    blocks = padded.view(n_groups, group_size, n_groups, group_size)
    return blocks.diagonal(dim1=0, dim2=2).permute(2, 0, 1).contiguous()
