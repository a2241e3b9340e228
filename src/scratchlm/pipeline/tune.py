"""Choices that need the model's own shapes, measured once at a run's first start.

The dial has chosen a model by now. Here its products are timed: the ceiling that
utilisation is a share of, and the form of weight gradients; its memory says the
micro-batch; and whether to compile is decided. What comes out is frozen in the recipe
with its reasons: a resume reads it and never measures.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scratchlm.base.units import format_duration, format_rate
from scratchlm.pipeline.choices import Choices

if TYPE_CHECKING:
    from scratchlm.pipeline.recipe import Recipe

CEILING_S = 2.0
"""Time for the ceiling."""
CLEARLY_FASTER = 1.1
"""Chunked weight gradients must win by this much."""
COMPILED_MINUTES = 20.0
"""On a CPU, runs shorter than this are not compiled: 10 to 35 s at each start, for 8 to
15 % of speed where bfloat16 is fast, and nothing where it is not (docs/log.md)."""
COMPILERS = ("c++", "g++", "clang++")


@dataclass(frozen=True)
class Tuning:
    """What was chosen besides the dial's values."""

    values: dict[str, Any]
    """Nested as in the draft; only what the draft left open."""
    reasons: dict[str, str]
    """Dotted key → why."""


def tune(draft: Mapping[str, Any], recipe: Recipe) -> Tuning:
    """Measure and choose.

    Args:
        draft: what it says is not chosen again.
        recipe: the draft with the dial's values.
    """
    from scratchlm.base.device import apply_machine

    apply_machine(recipe.machine)
    choices = Choices(draft)
    _choose_products(choices, recipe)
    choices.choose("machine.compile", *_judge_compiling(recipe))
    _fit_memory(choices, recipe)
    return Tuning(choices.values, choices.reasons)


def _choose_products(choices: Choices, recipe: Recipe) -> None:
    import torch

    from scratchlm.model import Transformer
    from scratchlm.train.ceiling import matrix_shapes, measure_ceiling

    with torch.device("meta"):
        shapes = matrix_shapes(Transformer(recipe.model))
    n_tokens = recipe.train.micro_batch_size * recipe.train.context_length
    dtype, device = getattr(torch, recipe.machine.dtype), recipe.machine.device
    found = measure_ceiling(shapes, n_tokens, dtype, device, CEILING_S)
    forward = format_rate(found.forward_flops_per_s, "FLOP")
    backward = format_rate(found.backward_flops_per_s, "FLOP")
    why = f"the model's own products, forward {forward}, backward {backward}"
    rounded = float(f"{found.flops_per_s:.4g}")
    choices.choose("machine.ceiling_flops_per_s", rounded, why)
    largest = max(shapes, key=lambda shape: shape[0] * shape[1])
    ratio = compare_weight_gradients(largest, n_tokens, dtype, device)
    form = "chunked" if ratio > CLEARLY_FASTER else "whole"
    why = f"1,024 tokens at a time is {ratio:.2f} times as fast here"
    choices.choose("machine.weight_gradient", form, why)


def compare_weight_gradients(
    shape: tuple[int, int], n_tokens: int, dtype: Any, device: str, repeats: int = 5
) -> float:
    """Speed of dW = gᵀ x in chunks of tokens, as a multiple of that in one product.

    Args:
        shape: (outputs, inputs) of the matrix.
        n_tokens: tokens of a micro-batch.
        dtype: a torch dtype.
        device: a torch device.
        repeats: the fastest of so many counts.
    """
    import torch

    from scratchlm.model.linear import CHUNK_TOKENS

    if n_tokens <= CHUNK_TOKENS:
        return 1.0
    g = torch.randn(n_tokens, shape[0], device=device).to(dtype)
    x = torch.randn(n_tokens, shape[1], device=device).to(dtype)
    total = torch.zeros(shape, device=device)

    def chunked() -> None:
        for rows, columns in zip(
            g.split(CHUNK_TOKENS), x.split(CHUNK_TOKENS), strict=True
        ):
            total.add_(rows.t() @ columns)

    def whole() -> None:
        (g.t() @ x).float()

    def seconds(work: Callable[[], None]) -> float:
        times = []
        for _ in range(repeats + 1):  # the first call of a shape is slower
            if g.is_cuda:
                torch.cuda.synchronize()
            begun = time.perf_counter()
            work()
            if g.is_cuda:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - begun)
        return min(times[1:])

    return seconds(whole) / seconds(chunked)


def _judge_compiling(recipe: Recipe) -> tuple[bool, str]:
    if recipe.machine.device.startswith("cuda"):
        return True, "on a GPU it fuses what lies between the products"
    if recipe.machine.dtype == "float32":
        return False, "float32 on a CPU is bound by its products: it wins nothing"
    if not any(shutil.which(name) for name in COMPILERS):
        return False, "it needs a C++ compiler, and none was found"
    if recipe.minutes < COMPILED_MINUTES:
        planned = format_duration(60 * recipe.minutes)
        return False, f"{planned} do not pay back what compiling takes at each start"
    return True, f"a run of {format_duration(60 * recipe.minutes)} pays it back"


def _fit_memory(choices: Choices, recipe: Recipe) -> None:
    """The largest micro-batch that fits, if the draft leaves it open."""
    from scratchlm.train.auto_fit import fit_micro_batch

    if choices.said("train.micro_batch_size") is not None:
        return
    fit = fit_micro_batch(recipe.model, recipe.train, recipe.machine)
    staged = [rows for _, rows in recipe.train.batch_stages]
    rows = min([fit.micro_batch_size, *staged])
    choices.choose("train.micro_batch_size", rows, fit.reason)
    choices.choose(
        "train.activation_checkpointing", fit.activation_checkpointing, fit.reason
    )
