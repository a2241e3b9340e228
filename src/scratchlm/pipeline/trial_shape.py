"""Models of one family: the same style and proportions in another size.

A shape is written LAYERSxWIDTH ("6x128"). Heads keep their width where it divides the
model's, groups of queries their size where it divides the heads, and the feed-forward
network its ratio, in multiples of 8.
"""

from __future__ import annotations

import re

from scratchlm.base.errors import UserError
from scratchlm.model.config import ModelConfig

MULTIPLE = 8
FRACTIONS = (0.25, 0.375, 0.5, 0.625, 0.75)
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
        UserError: no head fits that width.
    """
    if d_model % 8:
        raise UserError(f"a width of {d_model} channels is no multiple of 8")
    d_head = _head_width(model.d_head, d_model)
    n_heads = d_model // d_head
    group = model.n_heads // model.n_kv_heads
    kv = n_heads // group if n_heads % group == 0 else n_heads
    values = model.model_dump(mode="json") | {
        "n_layers": n_layers,
        "d_model": d_model,
        "n_heads": n_heads,
        "n_kv_heads": kv,
        "d_head": d_head,
        "d_ff": _scaled(model.d_ff, d_model / model.d_model),
    }
    if values.get("d_expert"):
        values["d_expert"] = _scaled(values["d_expert"], d_model / model.d_model)
    return ModelConfig.model_validate(values)


def smaller_shapes(
    model: ModelConfig, shape: tuple[int, int] | None = None
) -> list[tuple[int, int]]:
    """(layers, width) of the rungs below a model or shape, small to large."""
    n_layers, d_model = shape or (model.n_layers, model.d_model)
    shapes = []
    for fraction in FRACTIONS:
        width = max(LEAST_WIDTH, round(d_model * fraction / 16) * 16)
        shapes.append((max(1, round(n_layers * fraction)), width))
    return sorted(set(shapes), key=lambda shape: shape[0] * shape[1] ** 2)


def _head_width(wanted: int, d_model: int) -> int:
    """The wanted width of a head if it divides the model's, else the next below."""
    return next(
        width for width in (wanted, 128, 64, 32, 16, 8)
        if width <= wanted and d_model % width == 0
    )  # fmt: skip


def _scaled(value: int, ratio: float) -> int:
    if ratio == 1:
        return value
    return max(MULTIPLE, round(value * ratio / MULTIPLE) * MULTIPLE)
