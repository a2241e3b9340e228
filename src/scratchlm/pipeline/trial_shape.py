"""Models of one family: the same style and proportions in another size.

A shape is written LAYERSxWIDTH ("6x128"). All proportions stay: as many heads, so that
their width grows with the model's, as many queries to a key, and the ratio of the
feed-forward network in multiples of 8. A law in compute needs a family without jumps.
"""

from __future__ import annotations

import math
import re

from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig

MULTIPLE = 8
FRACTIONS = (0.25, 0.375, 0.5, 0.5625, 0.625, 0.75)
"""Sizes of a ladder's rungs beside its target, in both depth and width."""
LEAST_WIDTH = 16


def parse_shape(text: str) -> tuple[int, int]:
    """Read "6x128": (layers, width).

    Raises:
        UserError: it is no shape.
    """
    found = re.fullmatch(r"\s*([1-9]\d*)\s*[x×]\s*([1-9]\d*)\s*", text)
    if not found:
        raise UserError(f"{text!r} is no shape; write layers x width, such as 6x128")
    return int(found[1]), int(found[2])


def format_shape(model: ModelConfig) -> str:
    """`6x128`: layers and width of a model."""
    return f"{model.n_layers}x{model.d_model}"


def resized(model: ModelConfig, n_layers: int, d_model: int) -> ModelConfig:
    """The same style with other sizes.

    Raises:
        UserError: the width is no multiple of 8.
    """
    if d_model % 8:
        raise UserError(f"a width of {d_model} channels is no multiple of 8")
    n_heads = _head_count(model.n_heads, d_model)
    group = model.n_heads // model.n_kv_heads
    kv = n_heads // group if n_heads % group == 0 else n_heads
    values = model.model_dump(mode="json") | {
        "n_layers": n_layers,
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": kv,
        "d_head": _head_width(model, d_model, n_heads),
        "d_ff": _scaled(model.d_ff, d_model / model.d_model),
    }
    if values.get("d_expert"):
        values["d_expert"] = _scaled(values["d_expert"], d_model / model.d_model)
    return ModelConfig.model_validate(values)


def smaller_shapes(
    model: ModelConfig, shape: tuple[int, int] | None = None
) -> list[tuple[int, int]]:
    """(layers, width) of the rungs below a model or shape, small to large.

    Widths are multiples of 8 that leave every head an even number of channels.
    """
    n_layers, d_model = shape or (model.n_layers, model.d_model)
    unit = math.lcm(8, 2 * _head_count(model.n_heads, d_model))
    shapes = []
    for fraction in FRACTIONS:
        width = max(LEAST_WIDTH, unit, round(d_model * fraction / unit) * unit)
        shapes.append((max(1, round(n_layers * fraction)), width))
    return sorted(set(shapes), key=lambda shape: shape[0] * shape[1] ** 2)


def _head_count(wanted: int, d_model: int) -> int:
    """The wanted number of heads, or the next below that divides the width evenly."""
    return next(n for n in range(wanted, 0, -1) if d_model % (2 * n) == 0)


def _head_width(model: ModelConfig, d_model: int, n_heads: int) -> int:
    """The model's own where the size is the same; it need not be width over heads."""
    if (d_model, n_heads) == (model.d_model, model.n_heads):
        return model.d_head
    ratio = model.d_head * model.n_heads / model.d_model
    return max(2, round(d_model / n_heads * ratio / 2) * 2)


def _scaled(value: int, ratio: float) -> int:
    if ratio == 1:
        return value
    return max(MULTIPLE, round(value * ratio / MULTIPLE) * MULTIPLE)
