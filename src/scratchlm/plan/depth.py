"""One dial: from a depth to everything else that training needs.

Shape, tokens, batch, learning rates and decay all follow from the depth, by rules
that start at one measured point, a `Reference`:

- tokens D = r · N, N the matrices of blocks and head: r = 12 by nanochat's sweeps,
  20 by Hoffmann et al. 2022; so a deeper model reads proportionally more;
- batch B = B₀ (D / D₀)^0.383 (Bergsma et al. 2025, "Power Lines"), a power of two;
- learning rates times √(B / B₀), the square-root rule of AdamW (Malladi et al. 2022;
  for Muon taken over, not proved: nanochat does so too);
- AdamW's rates of embedding and head besides times √(C₀ / C): nanochat and
  modded-nanogpt, between µP's 1 / C (Yang et al. 2022) and none. Muon's updates have
  a size of their own, whatever the width;
- decay λ = λ₀ √(B / B₀) D₀ / D, which keeps B / (η λ D), the epochs that weights
  remember, as it was (Wang and Aitchison 2024).

Such rules carry over a few doublings. nanochat's own log warns that what 320 runs
tuned at depth 12 hurt at depth 20: a ladder of runs says what holds here.
"""

import math
from dataclasses import dataclass

from scratchlm.base.errors import UserError
from scratchlm.base.units import format_count
from scratchlm.model.config import ModelConfig
from scratchlm.model.counts import count_multiplied
from scratchlm.plan.presets import laptop_config, nanochat_config
from scratchlm.plan.scaling import BATCH_EXPONENT


@dataclass(frozen=True)
class Reference:
    """A point at which batch, rates and decay were tuned."""

    source: str
    d_model: int
    tokens: float
    tokens_per_step: int
    matrix_lr: float
    """Muon's peak rate for the blocks' matrices."""
    embed_lr: float
    head_lr: float
    weight_decay: float
    tokens_per_parameter: float


LAPTOP = Reference(
    source="six layers of 256 on two cores, 3.5 M tokens",
    d_model=256,
    tokens=3.5e6,
    tokens_per_step=2048,
    matrix_lr=0.02,
    embed_lr=6e-3,
    head_lr=3e-3,
    weight_decay=0.0,
    tokens_per_parameter=20.0,
)
"""Measured for this project: a short run, far from the compute optimum."""

NANOCHAT = Reference(
    source="nanochat's depth 12 on GPUs, 1.3 G tokens",
    d_model=768,
    tokens=12 * 110_100_912,
    tokens_per_step=2**19,
    matrix_lr=0.02,
    embed_lr=0.3,
    head_lr=8e-3,
    weight_decay=0.28,
    tokens_per_parameter=12.0,
)
"""Its decay is cautious, its embedding starts at 0.8: rates for that shape alone."""

REFERENCES = {"laptop": LAPTOP, "nanochat": NANOCHAT}


@dataclass(frozen=True)
class DepthPlan:
    """What a depth comes to."""

    model: ModelConfig
    tokens: int
    tokens_per_step: int
    total_steps: int
    matrix_lr: float
    embed_lr: float
    head_lr: float
    weight_decay: float
    reasons: tuple[str, ...]
    """One line a decision, for people."""


def plan_depth(
    depth: int,
    *,
    style: str = "laptop",
    vocab_size: int | None = None,
    context_length: int | None = None,
    tokens: float | None = None,
    tokens_per_step: int | None = None,
) -> DepthPlan:
    """Turn a depth into a model and a training; what is given is taken as it is.

    Args:
        depth: layers, 1 to 64.
        style: "laptop" or "nanochat": the shape, and the point the rules start from.
        vocab_size: the style's own where absent, as is `context_length`.
        context_length: tokens of a row.
        tokens: of the whole run; by the rule where absent.
        tokens_per_step: by the rule where absent.

    Raises:
        UserError: no such style or depth.
    """
    model = _build_model(style, depth, vocab_size, context_length)
    reference = REFERENCES[style]
    n, ratio = count_multiplied(model), reference.tokens_per_parameter
    wanted = tokens if tokens is not None else ratio * n
    rule = scaled_batch(wanted, reference, model.context_length)
    per_step = tokens_per_step if tokens_per_step is not None else rule
    rate = batch_lr_frac(per_step, reference)
    narrow = width_lr_frac(model.d_model, reference)
    decay = scaled_weight_decay(wanted, per_step, reference)
    n_steps = max(1, round(wanted / per_step))
    why_tokens = "given" if tokens is not None else f"{ratio:g} for each of those"
    why_batch = (
        "given"
        if tokens_per_step is not None
        else f"{reference.tokens_per_step:,} times (tokens / "
        f"{format_count(reference.tokens)})^{BATCH_EXPONENT}"
    )
    return DepthPlan(
        model=model,
        tokens=n_steps * per_step,
        tokens_per_step=per_step,
        total_steps=n_steps,
        matrix_lr=reference.matrix_lr * rate,
        embed_lr=reference.embed_lr * rate * narrow,
        head_lr=reference.head_lr * rate * narrow,
        weight_decay=decay,
        reasons=(
            f"{model.n_layers} layers of width {model.d_model}: {format_count(n)} "
            "weights in the matrices of blocks and head",
            f"{format_count(wanted)} tokens: {why_tokens}",
            f"{per_step:,} tokens a step: {why_batch}",
            f"learning rates times {rate:.3g}, the root of the batch's growth",
            f"those of embedding and head besides times {narrow:.3g}, the root of "
            f"{reference.d_model} over the width",
            f"weight decay {decay:.3g}: weights remember as many epochs as there",
            f"all from one point: {reference.source}",
        ),
    )


def scaled_batch(tokens: float, reference: Reference, context_length: int) -> int:
    """Tokens of a step, B₀ (D / D₀)^0.383: the nearest power of two, in whole rows."""
    rule = reference.tokens_per_step * (tokens / reference.tokens) ** BATCH_EXPONENT
    power: int = 2 ** max(0, round(math.log2(rule)))
    return max(power // context_length, 1) * context_length


def batch_lr_frac(tokens_per_step: int, reference: Reference) -> float:
    """Factor of every learning rate, √(B / B₀)."""
    return math.sqrt(tokens_per_step / reference.tokens_per_step)


def width_lr_frac(d_model: int, reference: Reference) -> float:
    """Factor of AdamW's rates of embedding and head, √(C₀ / C)."""
    return math.sqrt(reference.d_model / d_model)


def scaled_weight_decay(
    tokens: float, tokens_per_step: int, reference: Reference
) -> float:
    """Decay of the matrices, λ₀ √(B / B₀) D₀ / D."""
    growth = batch_lr_frac(tokens_per_step, reference)
    return reference.weight_decay * growth * reference.tokens / tokens


def _build_model(
    style: str, depth: int, vocab_size: int | None, context_length: int | None
) -> ModelConfig:
    if style not in REFERENCES:
        raise UserError(f"there is no style {style!r}: choose laptop or nanochat")
    build = nanochat_config if style == "nanochat" else laptop_config
    sizes = {"vocab_size": vocab_size, "context_length": context_length}
    return build(depth, **{name: n for name, n in sizes.items() if n is not None})
