"""How large a model, how many tokens, how large a batch: the rules and their sources.

- Compute-optimal size: N = sqrt(C / (6 r)) with r tokens a parameter, N counting
  blocks and head. Hoffmann et al. 2022: r = 20, hence sqrt(C / 120).
- Repeated text: E epochs over U unique tokens are worth
  D' = U (1 + 15.4 (1 - e^(-(E - 1) / 15.4))) fresh ones (Muennighoff et al. 2023):
  four epochs are worth 3.7, sixteen 10.6. Beyond about four the text is the limit.
- Batch: tokens a step grow as tokens^0.383 (Bergsma et al. 2025, "Power Lines"),
  through 2,048 at 3.5 M tokens, which was measured on a laptop; Muon wants at least
  8 tokens a step for each channel, or its own arithmetic outweighs the gain.

What follows from a depth (learning rates, decay) stands in `plan.depth`.
"""

import math
from dataclasses import dataclass

from scratchlm.base.units import format_count
from scratchlm.model.config import ModelConfig
from scratchlm.plan.flops import estimate_training_flops
from scratchlm.plan.parameters import count_multiplied
from scratchlm.plan.presets import laptop_config

TOKENS_PER_PARAMETER = 20.0
MAX_EPOCHS = 4.0
REPEAT_HALF_LIFE = 15.4
BATCH_EXPONENT = 0.383
REFERENCE_TOKENS = 3.5e6
REFERENCE_BATCH = 2048
WIDTHS = tuple(range(64, 1025, 64))


@dataclass(frozen=True)
class TrainingPlan:
    """What to train within a budget, and why."""

    model: ModelConfig
    tokens: int
    """Tokens to train on, repeats included."""
    epochs: float | None
    """`tokens` over unique tokens; None where these were not given."""
    tokens_per_step: int
    flops: float
    """Training FLOPs of that; below the budget where the text is the limit."""
    reasons: tuple[str, ...]
    """One line a decision, for people."""
    warning: str | None = None
    """Set where the text, not the time, is the limit."""


def optimal_parameters(
    flop_budget: float, tokens_per_parameter: float = TOKENS_PER_PARAMETER
) -> float:
    """Parameters of blocks and head that a FLOP budget trains best."""
    return math.sqrt(flop_budget / (6 * tokens_per_parameter))


def effective_tokens(unique_tokens: float, epochs: float) -> float:
    """Fresh tokens that `epochs` passes over `unique_tokens` are worth (D')."""
    if epochs <= 1:
        return unique_tokens * epochs
    decay = 1 - math.exp(-(epochs - 1) / REPEAT_HALF_LIFE)
    return unique_tokens * (1 + REPEAT_HALF_LIFE * decay)


def epoch_warning(
    tokens: float, unique_tokens: float, max_epochs: float = MAX_EPOCHS
) -> str | None:
    """One line where the text would be read more than `max_epochs` times, else None."""
    epochs = tokens / unique_tokens
    if epochs <= max_epochs:
        return None
    worth = effective_tokens(unique_tokens, epochs) / unique_tokens
    return (
        f"the text is the limit, not the time: {format_count(tokens)} tokens are "
        f"{epochs:.1f} epochs of {format_count(unique_tokens)}, worth {worth:.1f} of "
        f"fresh text; training stops at {max_epochs:g} epochs"
    )


def optimal_tokens_per_step(tokens: float, d_model: int, context_length: int) -> int:
    """Tokens of one optimizer step: a power of two, whole rows, Muon's 8 a channel."""
    rule = REFERENCE_BATCH * (tokens / REFERENCE_TOKENS) ** BATCH_EXPONENT
    wanted = max(rule, 8 * d_model, context_length)
    power: int = 2 ** round(math.log2(wanted))
    while power < max(8 * d_model, context_length):
        power *= 2
    return -(-power // context_length) * context_length


def optimal_shape(
    parameters: float, *, vocab_size: int = 4096, context_length: int = 256
) -> ModelConfig:
    """Laptop shape whose blocks and head come nearest (in ratio) to `parameters`.

    Six layers up to a width of 256 (the measured recipe), then one more for every
    further 32 channels.
    """
    shapes = [
        laptop_config(
            max(6, width // 32 - 2),
            d_model=width,
            vocab_size=vocab_size,
            context_length=context_length,
        )
        for width in WIDTHS
    ]
    return min(shapes, key=lambda c: abs(math.log(count_multiplied(c) / parameters)))


def plan_training(
    flop_budget: float,
    unique_tokens: int | None = None,
    *,
    vocab_size: int = 4096,
    context_length: int = 256,
    tokens_per_parameter: float = TOKENS_PER_PARAMETER,
    max_epochs: float = MAX_EPOCHS,
) -> TrainingPlan:
    """Choose model, tokens and batch for a budget of training FLOPs.

    Where the text would be repeated more than `max_epochs` times, the model grows
    instead (C / (6 x max_epochs x U) parameters), at most to eight times the
    compute-optimal size; what is left of the budget after that is not spent.
    """
    parameters = optimal_parameters(flop_budget, tokens_per_parameter)
    reasons = [
        f"{format_count(parameters)} parameters in blocks and head: "
        f"sqrt({flop_budget:.2g} FLOP / {6 * tokens_per_parameter:g})"
    ]
    if unique_tokens:
        filling = flop_budget / (6 * max_epochs * unique_tokens)
        if filling > parameters:
            parameters = min(filling, 8 * parameters)
            reasons.append(
                f"enlarged to {format_count(parameters)}: {max_epochs:g} epochs of "
                f"{format_count(unique_tokens)} tokens leave FLOPs over"
            )
    model = optimal_shape(
        parameters, vocab_size=vocab_size, context_length=context_length
    )
    reasons.append(
        f"{model.n_layers} layers of width {model.d_model}: the nearest shape, "
        f"{format_count(count_multiplied(model))}"
    )
    return _spend(flop_budget, unique_tokens, model, max_epochs, reasons)


def _spend(
    flop_budget: float,
    unique_tokens: int | None,
    model: ModelConfig,
    max_epochs: float,
    reasons: list[str],
) -> TrainingPlan:
    per_token = estimate_training_flops(model)
    tokens = flop_budget / per_token
    reasons.append(
        f"{format_count(tokens)} tokens: the budget over {per_token:.3g} FLOP a token"
    )
    warning = (
        epoch_warning(tokens, unique_tokens, max_epochs) if unique_tokens else None
    )
    if unique_tokens and warning:
        tokens = unique_tokens * max_epochs
    per_step = optimal_tokens_per_step(tokens, model.d_model, model.context_length)
    reasons.append(f"{per_step} tokens a step: tokens^0.383, and 8 a channel for Muon")
    n_steps = max(1, int(tokens // per_step))
    return TrainingPlan(
        model=model,
        tokens=n_steps * per_step,
        epochs=n_steps * per_step / unique_tokens if unique_tokens else None,
        tokens_per_step=per_step,
        flops=n_steps * per_step * per_token,
        reasons=tuple(reasons),
        warning=warning,
    )
