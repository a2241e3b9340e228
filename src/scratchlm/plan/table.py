"""The answer to "what would it take?": a table of figures, each with its reason.

`plan(PlanConfig(preset="7b"))` counts parameters and memory, says how many GPUs a
training needs under each ZeRO stage, and how long it runs and what it costs.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config
from scratchlm.base.units import format_bytes, format_count, format_duration
from scratchlm.model.config import ModelConfig
from scratchlm.plan.flops import estimate_training_flops
from scratchlm.plan.memory import (
    TrainingMemory,
    count_kv_cache_bytes,
    estimate_training_memory,
)
from scratchlm.plan.parameters import count_parameters
from scratchlm.plan.presets import preset
from scratchlm.plan.scaling import TOKENS_PER_PARAMETER, effective_tokens, epoch_warning
from scratchlm.plan.time import estimate_cost, estimate_training_time_s

GPU_SHARE = 0.9
"""Share of a GPU's memory that a plan fills; the rest is its allocator's."""

MAX_GPUS = 65_536


class PlanConfig(Config):
    """What to train and on what."""

    preset: str = "depth-6"
    """A name of the preset table; ignored where a model is given."""
    tokens: float | None = Field(default=None, gt=0)
    """Tokens to train on; 20 a parameter where absent."""
    unique_tokens: float | None = Field(default=None, gt=0)
    """Tokens of text that there are; above four epochs the plan warns."""
    gpus: int = Field(default=1, ge=1)
    """GPUs (or processes) that work side by side."""
    gpu_memory_gib: float = Field(default=80.0, gt=0)
    """Memory of one of them."""
    peak_flops_per_s: float = Field(default=989e12, gt=0)
    """Dense bf16 peak of one of them; an H100 SXM's by data sheet."""
    mfu_frac: float = Field(default=0.4, gt=0, le=1)
    """Share of that peak that training reaches."""
    price_per_gpu_hour: float | None = Field(default=None, ge=0)
    """Price of an hour, in any currency; no cost row where absent."""
    optimizer: Literal["adamw", "muon", "soap"] = "adamw"
    """Optimizer whose state is counted."""
    dtype: Literal["float32", "bfloat16", "float16"] = "bfloat16"
    """Precision of the products; halves keep a float32 master copy."""
    zero_stage: int = Field(default=2, ge=0, le=3)
    """ZeRO stage that the rows on memory and fitting use."""
    micro_batch_size: int = Field(default=1, ge=1)
    """Sequences that one GPU works on at a time."""
    checkpointing: bool = False
    """Recompute activations layer by layer instead of keeping them."""


@dataclass(frozen=True)
class Row:
    """One figure of a plan."""

    name: str
    value: float
    """The figure itself, in the unit that `name` ends in where it has one."""
    text: str
    """The figure for people."""
    reason: str
    """How it came about."""


@dataclass(frozen=True)
class Plan:
    """A model and what training it takes."""

    model: ModelConfig
    rows: tuple[Row, ...]
    fits: bool
    """Whether the given GPUs hold the training at the given ZeRO stage."""

    def __getitem__(self, name: str) -> Row:
        """Look up a row by name."""
        return next(row for row in self.rows if row.name == name)


def plan(config: PlanConfig, model: ModelConfig | None = None) -> Plan:
    """Work out memory, GPUs, time and cost of one training.

    Args:
        config: the question.
        model: a model of one's own instead of `config.preset`.
    """
    model = model if model is not None else preset(config.preset)
    memory = _memory(config, model, config.zero_stage, config.gpus)
    rows = [*_size_rows(model), *_memory_rows(config, model, memory)]
    rows += [_gpus_row(config, model, stage) for stage in range(4)]
    rows += _time_rows(config, model)
    return Plan(model, tuple(rows), memory.total_bytes <= _room(config))


def gpus_needed(config: PlanConfig, model: ModelConfig, zero_stage: int) -> int | None:
    """Fewest GPUs that hold the training at a ZeRO stage; None where no number does."""
    if not _holds(config, model, zero_stage, MAX_GPUS):
        return None
    low, high = 0, MAX_GPUS  # low GPUs are too few, high are enough
    while high - low > 1:
        middle = (low + high) // 2
        if _holds(config, model, zero_stage, middle):
            high = middle
        else:
            low = middle
    return high


def _size_rows(model: ModelConfig) -> list[Row]:
    parts = count_parameters(model)
    flops = estimate_training_flops(model)
    return [
        Row(
            "parameters",
            parts.total,
            format_count(parts.total),
            f"attention {format_count(parts.attention)}, MLP "
            f"{format_count(parts.mlp)}, embedding {format_count(parts.embedding)}, "
            + (f"head {format_count(parts.head)}" if parts.head else "head tied to it")
            + (f"; a token meets {format_count(parts.active)}" if parts.idle else ""),
        ),
        Row(
            "training_flops_per_token",
            flops,
            f"{flops:.3g}",
            "6 N + causal attention; N = blocks and head",
        ),
        Row(
            "kv_cache_bytes",
            size := count_kv_cache_bytes(model, model.context_length),
            format_bytes(size),
            f"one conversation of {model.context_length} tokens in bf16, "
            f"{model.n_kv_heads} of {model.n_heads} heads kept",
        ),
    ]


def _memory_rows(
    config: PlanConfig, model: ModelConfig, memory: TrainingMemory
) -> list[Row]:
    divided = f"ZeRO {config.zero_stage} over {config.gpus}"
    reasons = {
        "weights_bytes": f"{config.dtype}; {divided}",
        "gradients_bytes": f"{config.dtype}; {divided}",
        "optimizer_bytes": f"{config.optimizer}, float32 master copy; {divided}",
        "activations_bytes": f"{config.micro_batch_size} x {model.context_length} "
        + ("tokens, recomputed" if config.checkpointing else "tokens"),
        "logits_bytes": "one chunk of the cross-entropy and its gradient",
    }
    if config.dtype == "float32":
        reasons["optimizer_bytes"] = f"{config.optimizer}; {divided}"
    rows = [
        Row(name, getattr(memory, name), format_bytes(getattr(memory, name)), reason)
        for name, reason in reasons.items()
    ]
    total, room = memory.total_bytes, _room(config)
    verdict = "fits" if total <= room else "does not fit"
    reason = f"{verdict} in {GPU_SHARE:.0%} of {config.gpu_memory_gib:g} GiB"
    return [*rows, Row("gpu_memory_bytes", total, format_bytes(total), reason)]


def _gpus_row(config: PlanConfig, model: ModelConfig, stage: int) -> Row:
    needed = gpus_needed(config, model, stage)
    what = ("nothing", "optimizer", "optimizer and gradients", "everything")[stage]
    reason = f"of {config.gpu_memory_gib:g} GiB, {what} divided"
    if needed is None:
        rest = "what is not divided is larger than one GPU"
        return Row(f"gpus_zero_{stage}", float("inf"), "none", f"{reason}: {rest}")
    return Row(f"gpus_zero_{stage}", needed, str(needed), reason)


def _time_rows(config: PlanConfig, model: ModelConfig) -> list[Row]:
    n_parameters = count_parameters(model).total
    tokens = config.tokens or TOKENS_PER_PARAMETER * n_parameters
    why = "given" if config.tokens else f"{TOKENS_PER_PARAMETER:g} a parameter"
    rate = config.peak_flops_per_s * config.mfu_frac
    seconds = estimate_training_time_s(model, tokens, rate, n_gpus=config.gpus)
    reason = (
        f"{config.gpus} x {config.peak_flops_per_s:.3g} FLOP/s at "
        f"{config.mfu_frac:.0%} of the peak"
    )
    rows = [Row("tokens", tokens, format_count(tokens), why)]
    rows += _epoch_rows(tokens, config.unique_tokens)
    rows.append(Row("training_time_s", seconds, _long_duration(seconds), reason))
    if config.price_per_gpu_hour is not None:
        cost = estimate_cost(seconds, config.gpus, config.price_per_gpu_hour)
        reason = f"{config.price_per_gpu_hour:g} an hour and GPU"
        rows.append(Row("cost", cost, f"{cost:,.2f}", reason))
    return rows


def _epoch_rows(tokens: float, unique_tokens: float | None) -> list[Row]:
    if unique_tokens is None:
        return []
    epochs = tokens / unique_tokens
    worth = format_count(effective_tokens(unique_tokens, epochs))
    reason = epoch_warning(tokens, unique_tokens) or f"worth {worth} fresh tokens"
    return [Row("epochs", epochs, f"{epochs:.2f}", reason)]


def _memory(
    config: PlanConfig, model: ModelConfig, zero_stage: int, n_gpus: int
) -> TrainingMemory:
    return estimate_training_memory(
        model,
        micro_batch_size=config.micro_batch_size,
        optimizer=config.optimizer,
        dtype=config.dtype,
        zero_stage=zero_stage,
        n_gpus=n_gpus,
        checkpointing=config.checkpointing,
    )


def _holds(
    config: PlanConfig, model: ModelConfig, zero_stage: int, n_gpus: int
) -> bool:
    memory = _memory(config, model, zero_stage, n_gpus)
    return memory.total_bytes <= _room(config)


def _room(config: PlanConfig) -> float:
    return GPU_SHARE * config.gpu_memory_gib * 2**30


def _long_duration(seconds: float) -> str:
    if seconds < 2 * 86_400:
        return format_duration(seconds)
    return f"{seconds / 86_400:.1f} days"
