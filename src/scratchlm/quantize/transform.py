"""Quantising a model in memory: scale, then round every linear layer of the blocks.

All scales are found before any is applied, on the untouched weights. That is exact
for what comes after: dividing a layer's output rows (because it absorbs another's
scale) divides each row's grid with it, and leaves its codes as they were.

Axes: N sequences, T tokens, C input channels.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from scratchlm.base.progress import SILENT, Progress
from scratchlm.model.quantized_linear import QuantizedLinear, QuantizedRows, dequantize
from scratchlm.model.transformer import Transformer
from scratchlm.quantize.awq import ScaleChoice, clip_weight, search_scale
from scratchlm.quantize.calibrate import (
    InputStatistics,
    collect_statistics,
    output_energy,
)
from scratchlm.quantize.config import QuantizeConfig
from scratchlm.quantize.rtn import round_weight, rounding_error
from scratchlm.quantize.scaling import ScalingGroup, apply_scale, scaling_groups


@dataclass
class Record:
    """What was done to each group and layer, for the model's file and the receipt."""

    modules: dict[str, dict[str, bool]] = field(default_factory=dict)
    """Quantised layer -> {"input_scale": whether it has one}."""
    scales: list[dict[str, Any]] = field(default_factory=list)
    """Per group of layers: the scale that was chosen, and who absorbed it."""
    errors: dict[str, dict[str, float]] = field(default_factory=dict)
    """Per layer: squared output error over output, by rounding alone and at the end."""


@torch.no_grad()
def quantize_model(
    model: Transformer,
    config: QuantizeConfig,
    tokens: Int[Tensor, "N T"],
    progress: Progress = SILENT,
) -> Record:
    """Quantise the linear layers of all blocks, in place.

    Args:
        model: full precision, in evaluation mode.
        config: method and grid.
        tokens: calibration text; rounding to nearest only measures its errors on it.
    """
    groups = scaling_groups(model.config)
    statistics = collect_statistics(
        model, {group.watched for group in groups}, tokens, config.batch_size, progress
    )
    record = Record()
    choices = []
    for i, group in enumerate(groups):
        progress.update(i, 2 * len(groups), "scales")
        choices.append(_choose_scale(model, group, statistics, config, record))
    for group, scale in zip(groups, choices, strict=True):
        if scale is not None:
            apply_scale(model, group, scale)
    for i, (group, scale) in enumerate(zip(groups, choices, strict=True)):
        progress.update(len(groups) + i, 2 * len(groups), "rounding")
        gram = _scaled_gram(statistics[group.watched], group, scale)
        for name in group.layers:
            _quantize_layer(model, name, gram, _explicit(group, scale), config, record)
    return record


def _choose_scale(
    model: Transformer,
    group: ScalingGroup,
    statistics: dict[str, InputStatistics],
    config: QuantizeConfig,
    record: Record,
) -> Float[Tensor, " shared"] | None:
    """The group's scale, or None where it stays as it is."""
    seen = statistics[group.watched]
    weights = [
        model.get_submodule(name).get_parameter("weight") for name in group.layers
    ]
    for name, weight in zip(group.layers, weights, strict=True):
        error = _relative(rounding_error(weight, config), weight, seen.gram)
        record.errors[name] = {"rtn_error_frac": error}
    if config.method == "rtn":
        return None
    choice = search_scale(weights, seen, group, config)
    record.scales.append(_describe(group, choice))
    if choice.name == "identity":
        return None
    # an explicit scale is stored as float16(1 / s): undo exactly that
    return choice.scale if group.absorber else 1 / (1 / choice.scale).half().float()


def _quantize_layer(
    model: Transformer,
    name: str,
    gram: Float[Tensor, "C C"],
    input_scale: Float[Tensor, " C"] | None,
    config: QuantizeConfig,
    record: Record,
) -> None:
    layer = model.get_submodule(name)
    assert isinstance(layer, nn.Linear)
    if config.method == "awq" and config.clip:
        rows = clip_weight(layer.weight, gram, config)
    else:
        rows = round_weight(layer.weight, config)
    change = dequantize(*rows, config.group_size) - layer.weight
    error = _relative(change, layer.weight, gram)
    record.errors[name]["error_frac"] = error
    record.modules[name] = {"input_scale": input_scale is not None}
    model.set_submodule(name, _pack(layer, rows, input_scale, config))


def _pack(
    layer: nn.Linear,
    rows: QuantizedRows,
    input_scale: Float[Tensor, " C"] | None,
    config: QuantizeConfig,
) -> QuantizedLinear:
    packed = QuantizedLinear(
        layer.in_features,
        layer.out_features,
        bits=config.bits,
        group_size=config.group_size,
        bias=layer.bias is not None,
        input_scale=input_scale is not None,
    ).to(layer.weight.device)
    half = None if input_scale is None else input_scale.half()
    return packed.store(rows, half, layer.bias)


def _scaled_gram(
    statistics: InputStatistics, group: ScalingGroup, scale: Tensor | None
) -> Float[Tensor, "C C"]:
    if scale is None:
        return statistics.gram
    inverse = 1 / group.spread(scale)
    return statistics.gram * inverse * inverse.unsqueeze(1)


def _explicit(
    group: ScalingGroup, scale: Float[Tensor, " shared"] | None
) -> Float[Tensor, " C"] | None:
    if scale is None or group.absorber is not None:
        return None
    return 1 / group.spread(scale)


def _describe(group: ScalingGroup, choice: ScaleChoice) -> dict[str, Any]:
    absorbed_by = group.absorber or "input_scale of the layer"
    return {
        "layers": list(group.layers),
        "scale": choice.name,
        "absorbed_by": None if choice.name == "identity" else absorbed_by,
        "rtn_error_frac": six_digits(choice.rtn_error_frac),
        "error_frac": six_digits(choice.error_frac),
    }


def _relative(error: Tensor, weight: Tensor, gram: Tensor) -> float:
    energy = float(output_energy(weight, gram))
    return six_digits(float(output_energy(error, gram)) / energy if energy else 0.0)


def six_digits(value: float) -> float:
    """Round to six significant digits, as receipts show."""
    return float(f"{value:.6g}")
