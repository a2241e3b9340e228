"""Proof that what was written is the model: read it back, compare, compute.

The weights in the file, decoded and renamed back, are held against the exported ones;
then put into a copy of the model, whose logits on fixed tokens are held against those
of the original. A file that fails is not a result: it is refused.
"""

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from scratchlm.base.errors import UserError
from scratchlm.export.layout import Array
from scratchlm.export.source import Source
from scratchlm.model.weights import load_tensors

LARGEST_ERROR = {
    "float32": 0.0,
    "float16": 1e-3,
    "bfloat16": 8e-3,
    "f32": 0.0,
    "f16": 1e-3,
    "q8_0": 2e-2,
    "q4_0": 0.2,
    "q4_1": 0.2,
}
"""Relative error of all weights together that a type of tensor may cause."""


def verify(source: Source, found: Mapping[str, Array], kind: str) -> dict[str, Any]:
    """Hold weights read back against the exported model.

    Returns:
        `weights_relative_error` (Frobenius, over all tensors), the smallest power of
        ten that bounds `logits_difference`, `same_top_token_frac`.

    Raises:
        UserError: a tensor is missing or its error is beyond what its type explains.
    """
    missing = sorted(source.tensors.keys() - found.keys())
    if missing:
        raise UserError(f"the export cannot be read back: {missing[0]} is missing")
    error = weights_relative_error(source.tensors, found)
    if not error <= LARGEST_ERROR[kind]:
        raise UserError(
            f"the export does not hold the model: its weights differ by {error:.2g} "
            f"where {kind} explains {LARGEST_ERROR[kind]:.2g}; write it again"
        )
    difference, same = _compare_logits(source, found)
    return {
        "tensors": len(source.tensors),
        "weights_relative_error": float(f"{error:.2g}"),
        "logits_difference_below": _power_above(difference),
        "same_top_token_frac": round(same, 3),
    }


def weights_relative_error(
    expected: Mapping[str, Array], found: Mapping[str, Array]
) -> float:
    """Length of the difference over length of the weights, all tensors together."""
    difference = total = 0.0
    for name, array in expected.items():
        wide = array.astype(np.float64)
        difference += float(np.sum((found[name].astype(np.float64) - wide) ** 2))
        total += float(np.sum(wide**2))
    return math.sqrt(difference / total) if total else math.sqrt(difference)


def _compare_logits(source: Source, found: Mapping[str, Array]) -> tuple[float, float]:
    config = source.config
    places = torch.arange(min(64, config.context_length))
    tokens = ((places * places * 31 + 7) % config.vocab_size)[None]
    with torch.no_grad():
        expected = source.model(tokens)
        actual = _rebuild(source, found)(tokens)
    same = (expected.argmax(-1) == actual.argmax(-1)).double().mean()
    return float((expected - actual).abs().max()), float(same)


def _rebuild(source: Source, found: Mapping[str, Array]) -> torch.nn.Module:
    model = type(source.model)(source.config)
    model.compute_dtype = source.model.compute_dtype
    tensors = {
        name: torch.from_numpy(copy.copy(np.asarray(found[name], np.float32)))
        for name in source.tensors
    }
    load_tensors(model, tensors, "the export read back")
    return model.eval()


def _power_above(value: float) -> float:
    """Give the smallest power of ten above a value, 1e-6 at least: free of noise."""
    return 10.0 ** max(-6, math.ceil(math.log10(value))) if value > 0 else 1e-6
