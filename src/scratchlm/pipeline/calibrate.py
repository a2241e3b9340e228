"""Measure this machine for some seconds: real shapes, the real loop, real batches.

A step is what training will do: forward, backward, clipping, optimizer. One shape is
tried with each attention and, where the processor has it, in bfloat16; then a smaller
and a larger shape in the best setting. What is measured is frozen in the recipe.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from scratchlm.base.config import merge
from scratchlm.base.machine import MachineConfig
from scratchlm.data import Batch
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.pipeline.calibration import Calibration, Speed
from scratchlm.pipeline.dial import shape_values
from scratchlm.pipeline.manifest import cpu_name
from scratchlm.pipeline.process import wanted_threads
from scratchlm.pipeline.rules import RULES
from scratchlm.plan.flops import estimate_training_flops
from scratchlm.train.config import TrainConfig
from scratchlm.train.loop import train
from scratchlm.train.objective import NextToken

ROWS, TOKENS, VOCABULARY = 8, 256, 4096
"""One step: the batch of a short run."""
BUDGET_S = 7.0
ENOUGH_S = 0.8
"""A setting is timed for so long, and for two steps after the first at least, …"""
PATIENCE_S = 2.5
"""… but no longer than this."""
TIMED = TrainConfig(
    total_steps=1_000,
    batch_size=ROWS,
    micro_batch_size=ROWS,
    context_length=TOKENS,
)
MARGIN = 1.05
"""A setting replaces the plain one (products, float32) only if faster by this."""

HEADS = {"n_heads", "n_kv_heads", "d_head"}
SIZES = HEADS | {"vocab_size", "context_length", "n_layers", "d_model", "d_ff"}

Dtype = Literal["float32", "bfloat16"]
Attention = Literal["products", "sdpa"]


class EnoughError(Exception):
    """Ends a training that was only started to be timed."""


class TimedBatches:
    """The same random tokens at every step, until enough steps were timed."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        stream = rng.integers(0, VOCABULARY, (ROWS, TOKENS + 1), dtype=np.int64)
        self._batch = Batch(
            tokens=stream[:, :-1].copy(),
            targets=stream[:, 1:].copy(),
            loss_mask=np.ones((ROWS, TOKENS), np.bool_),
        )
        self._marks: list[float] = []

    @property
    def seconds(self) -> list[float]:
        """Seconds of each whole step; of the first only where there is no other."""
        steps = [b - a for a, b in zip(self._marks, self._marks[1:], strict=False)]
        return steps[1:] or steps

    def batch(self, step: int) -> Batch:
        """Rows (ROWS, TOKENS); marks the time.

        Raises:
            EnoughError: the steps so far are enough.
        """
        self._marks.append(time.perf_counter())
        spent = self._marks[-1] - self._marks[0]
        if spent > PATIENCE_S or (len(self._marks) > 3 and spent > ENOUGH_S):
            raise EnoughError
        return self._batch


@dataclass(frozen=True)
class Trial:
    """What is tried: a shape (index into the ladder) and a setting."""

    rung: int
    dtype: Dtype = "float32"
    attention: Attention = "products"


def calibrate(draft: Mapping[str, Any], corpus_s: float) -> Calibration:
    """Measure this machine.

    Args:
        draft: its `model` section gives the style, its `machine` section may fix
            device, precision, attention and threads.
        corpus_s: seconds that the corpus stage took.
    """
    begun = time.perf_counter()
    said = draft.get("machine", {})
    device = said.get("device") or ("cuda" if torch.cuda.is_available() else "cpu")
    threads = said.get("threads") or wanted_threads()
    middle = RULES.calibration_rungs[1]
    speeds: dict[Trial, Speed] = {}

    def measure(trial: Trial) -> float:
        if trial not in speeds:
            machine = MachineConfig(
                device=device,
                dtype=trial.dtype,
                attention=trial.attention,
                threads=threads,
            )
            speeds[trial] = measure_speed(trial, machine, draft.get("model", {}))
        return speeds[trial].tokens_per_s

    best = max(_settings(middle, said, device), key=lambda t: measure(t) * _bonus(t))
    for rung in RULES.calibration_rungs:
        if time.perf_counter() - begun < BUDGET_S * (0.5 if rung > middle else 1):
            measure(Trial(rung, best.dtype, best.attention))
    return Calibration(
        cpu=cpu_name(),
        device=device,
        dtype=best.dtype,
        attention=best.attention,
        threads=threads,
        speeds=tuple(speeds.values()),
        spent_s=round(corpus_s + time.perf_counter() - begun, 2),
        corpus_s=corpus_s,
    )


def measure_speed(
    trial: Trial, machine: MachineConfig, style: Mapping[str, Any]
) -> Speed:
    """Train a shape for a few steps and time them, the first ones left out."""
    shape = RULES.ladder[trial.rung]
    values = shape_values(shape, style, VOCABULARY, TOKENS)
    config = ModelConfig.model_validate(merge(values, _style_only(style)))
    batches = TimedBatches()
    with tempfile.TemporaryDirectory() as directory, suppress(EnoughError):
        train(
            Transformer(config),
            NextToken(),
            batches,
            TIMED,
            Path(directory),
            machine,
        )
    return Speed(
        n_layers=shape.n_layers,
        d_model=shape.d_model,
        flops_per_token=estimate_training_flops(config),
        tokens_per_s=round(ROWS * TOKENS / statistics.median(batches.seconds), 1),
        tokens_per_step=ROWS * TOKENS,
        dtype=trial.dtype,
        attention=trial.attention,
    )


def has_fast_bfloat16(device: str) -> bool:
    """Whether the device multiplies bfloat16 in hardware."""
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device != "cpu":
        return False
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, bool)() for probe in probes)


def _settings(rung: int, said: Mapping[str, Any], device: str) -> list[Trial]:
    dtypes: list[Dtype] = ["float32"]
    if has_fast_bfloat16(device):
        dtypes.append("bfloat16")
    if "dtype" in said:
        dtypes = [said["dtype"]]
    attentions: list[Attention] = ["products", "sdpa"]
    if "attention" in said:
        attentions = [said["attention"]]
    first, *others = attentions
    trials = [Trial(rung, dtype, first) for dtype in dtypes]
    return [*trials, *(Trial(rung, dtypes[-1], other) for other in others)]


def _bonus(trial: Trial) -> float:
    return MARGIN if trial == Trial(trial.rung) else 1.0


def _style_only(style: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in style.items() if k not in SIZES}
