"""The largest micro-batch that fits, by measured memory.

Two trials of a whole optimizer step, with few rows and with twice as many, give what
is held whatever the rows and what each row adds; both are near a straight line. The
largest divisor of the batch that stays within a share of what is free is taken, up to
the size from which more rows bring no speed. Where not even one row fits, activation
checkpointing is tried before a person is told.

The choice depends on the machine, so it is made once, before a run's first step, and
frozen in its recipe: a micro-batch changes the last bits of a sum.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import torch

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.base.units import format_bytes
from scratchlm.model.activations import estimate_activation_bytes
from scratchlm.model.config import ModelConfig
from scratchlm.model.counts import count_loss_rows
from scratchlm.train.config import TrainConfig
from scratchlm.train.memory_trial import measure_step_bytes

MARGIN_FRAC = 0.1
"""Share of the free memory that is left alone."""

MOST_CPU_TOKENS = 16_384
"""Tokens of a micro-batch from which a CPU gains nothing by more (measured)."""

TRIAL_BYTES = 2**26
"""Activations of the smaller trial, where the batch has them: above the noise."""

CLEARLY = 4
"""An estimate this many times below the room needs no trial."""


PROCESS_BYTES = 500_000_000
"""What Python and torch hold on a CPU before there is a model."""

Measure = Callable[
    [ModelConfig, TrainConfig, MachineConfig, Sequence[int]], list[int | None]
]


@dataclass(frozen=True)
class MicroBatchFit:
    """A choice and what it stands on."""

    micro_batch_size: int
    activation_checkpointing: bool
    fixed_bytes: int
    """Held whatever the rows: weights, gradients, optimizer state, libraries."""
    bytes_per_row: int
    free_bytes: int
    measured: dict[int, int]
    """Peak bytes by rows of the trials; empty where an estimate was enough."""
    reason: str
    """One line for people."""


def fit_micro_batch(
    model: ModelConfig,
    config: TrainConfig,
    machine: MachineConfig,
    *,
    free_bytes: int | None = None,
    margin_frac: float = MARGIN_FRAC,
    most_tokens: int | None = None,
    always_measure: bool = False,
    measure: Measure = measure_step_bytes,
) -> MicroBatchFit:
    """Choose the micro-batch of a run.

    Args:
        model: the shape.
        config: batch, row length, optimizer; its own micro-batch is not looked at.
        machine: where it runs.
        free_bytes: memory to stay within; what the device has free where absent.
        margin_frac: share of it that is left alone.
        most_tokens: of a micro-batch; by default 16,384 on a CPU, none on a GPU.
        always_measure: also where the estimate is far below what is free.
        measure: peak bytes of steps with so many rows, None where they do not fit.

    Raises:
        UserError: not even one row fits, with its activations computed anew.
    """
    free = free_memory_bytes(machine.device) if free_bytes is None else free_bytes
    if most_tokens is None and machine.device == "cpu":
        most_tokens = MOST_CPU_TOKENS
    sizes = micro_batch_sizes(config, most_tokens)
    room = int((1 - margin_frac) * free)
    for recompute in (False, True):
        if config.activation_checkpointing and not recompute:
            continue
        tried = config.model_copy(update={"activation_checkpointing": recompute})
        need = _estimate(model, tried, machine)
        if always_measure or CLEARLY * need.of(sizes[-1]) > room:
            trials = partial(measure, model, tried, machine)
            need = _measure(trials, need, sizes[-1], room)
        fitting = [size for size in sizes if need.of(size) <= room]
        if fitting:
            anew = recompute and not config.activation_checkpointing
            reason = _reason(need, fitting[-1], sizes, config.batch_size, free, anew)
            return MicroBatchFit(
                micro_batch_size=fitting[-1],
                activation_checkpointing=recompute,
                fixed_bytes=need.fixed,
                bytes_per_row=need.per_row,
                free_bytes=free,
                measured=need.measured,
                reason=reason,
            )
    raise UserError(
        f"one row of {config.context_length} tokens needs about "
        f"{format_bytes(need.of(1))} to train, activations computed anew, and "
        f"{format_bytes(room)} of {format_bytes(free)} free memory may be used: choose "
        "a smaller model, a shorter train.context_length, or another machine"
    )


def micro_batch_sizes(config: TrainConfig, most_tokens: int | None = None) -> list[int]:
    """Sizes that divide the batch and its earlier stages; rising, at least [1]."""
    most = max(1, (most_tokens or config.tokens_per_step) // config.context_length)
    staged = [n_rows for _, n_rows in config.batch_stages]

    def is_whole(size: int) -> bool:
        return all(n_rows <= size or n_rows % size == 0 for n_rows in staged)

    divisors = (
        n for n in range(1, config.batch_size + 1) if config.batch_size % n == 0
    )
    return [n for n in divisors if n <= most and is_whole(n)]


def free_memory_bytes(device: str) -> int:
    """Memory that a new process could have here; a container's limit counts."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(torch.device(device))[0])
    free = int(psutil.virtual_memory().available)
    limit, used = _read_limit("memory.max"), _read_limit("memory.current")
    return free if limit is None or used is None else min(free, limit - used)


@dataclass(frozen=True)
class _Need:
    """A straight line: bytes by rows."""

    fixed: int
    per_row: int
    measured: dict[int, int]

    def of(self, n_rows: int) -> int:
        return self.fixed + n_rows * self.per_row


def _estimate(model: ModelConfig, config: TrainConfig, machine: MachineConfig) -> _Need:
    width = 4 if machine.dtype == "float32" else 2
    activations = estimate_activation_bytes(
        model,
        config.context_length,
        context_length=config.context_length,
        bytes_per_number=width,
        kernel=machine.attention,
        checkpointing=config.activation_checkpointing,
    )
    # weights, gradients, two moments; a narrow copy and its gradients
    state = model.n_parameters * (16 if width == 4 else 20)
    logits = (
        3 * 4 * model.vocab_size * count_loss_rows(model.vocab_size, machine.device)
    )
    outside = PROCESS_BYTES if machine.device == "cpu" else 0
    return _Need(state + logits + outside, activations, {})


def _measure(
    trials: Callable[[Sequence[int]], list[int | None]],
    guess: _Need,
    most: int,
    room: int,
) -> _Need:
    """The line through two trials; the guess where one row is far beyond the room."""
    if guess.of(1) > 2 * room:
        return guess
    few = min(-(-TRIAL_BYTES // guess.per_row), max(most // 2, 1))
    if guess.of(2 * few) > room:
        few = 1
    rows = [few, 2 * few] if 2 * few <= most else [few]
    peaks = zip(rows, trials(rows), strict=True)
    measured = {n_rows: peak for n_rows, peak in peaks if peak is not None}
    if few not in measured:
        return _Need(guess.fixed, max(guess.per_row, room // few), {})
    low, high = measured[few], measured.get(2 * few)
    if high is not None:  # a row adds no less than what the backward pass needs of it
        per_row = max((high - low) // few, guess.per_row)
        return _Need(high - 2 * few * per_row, per_row, measured)
    per_row = guess.per_row if len(rows) == 1 else max(guess.per_row, room // few)
    return _Need(low - few * per_row, per_row, measured)


def _reason(
    need: _Need, size: int, sizes: list[int], batch: int, free: int, anew: bool
) -> str:
    how = "measured" if need.measured else "estimated, far below what is free"
    text = (
        f"{size} of {batch} rows at a time: about {format_bytes(need.of(size))} of "
        f"{format_bytes(free)} free memory ({how})"
    )
    larger = [other for other in sizes if other > size]
    if larger:
        text += f"; {larger[0]} would not fit"
    elif size < batch:
        text += "; more bring no speed"
    if anew:
        text += "; activations computed anew, for else not one row fits"
    return text


def _read_limit(name: str) -> int | None:
    """A figure of this process's control group (version 2), if it has one."""
    try:
        return int((Path("/sys/fs/cgroup") / name).read_text())
    except (OSError, ValueError):
        return None
