"""Twenty training steps on two devices: do they compute the same thing?

A small model is trained twice from the same weights on the same batches by the real
loop, in float32 without TF32: once on the CPU, on one thread with torch's own
attention, and once on the device, threads and attention that were chosen. The losses
of all steps must agree to 1e-3, relatively. Then the chosen precision is tried in the
same way against a wider tolerance.

A GPU with a broken driver, a miscompiled kernel or an unstable overclock shows here
in seconds what would otherwise be found after a lost night.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.pipeline.doctor import Check

N_STEPS = 20
FLOAT32_TOLERANCE = 1e-3
BFLOAT16_TOLERANCE = 3e-2
REFERENCE = MachineConfig(device="cpu", threads=1, attention="sdpa")

_SAME = "it computes what the CPU computes"
_VOCABULARY, _CONTEXT, _ROWS = 512, 64, 8


@dataclass(frozen=True)
class Agreement:
    """How two series of losses compare."""

    largest_difference: float
    """Relative, over all steps; infinite where a loss is not finite."""
    falls: bool
    """Whether the second series ends below where it began."""


def check_trial(chosen: MachineConfig) -> Iterator[Check]:
    """Train on the CPU and as chosen, in float32 and in the chosen precision."""
    reference = run_trial(REFERENCE)
    plain = chosen.model_copy(update={"dtype": "float32"})
    yield check_device(plain, reference, FLOAT32_TOLERANCE)
    if chosen.dtype != "float32":
        yield check_device(chosen, reference, BFLOAT16_TOLERANCE)


def check_device(
    machine: MachineConfig, reference: Sequence[float], tolerance: float
) -> Check:
    """Train as ``machine`` says and hold the losses against ``reference``."""
    try:
        losses = run_trial(machine)
    except (UserError, RuntimeError, NotImplementedError) as error:
        return _refuse(
            machine, f"the trial failed: {' '.join(str(error).split())[:200]}"
        )
    return judge_losses(machine, reference, losses, tolerance)


def judge_losses(
    machine: MachineConfig,
    reference: Sequence[float],
    losses: Sequence[float],
    tolerance: float,
) -> Check:
    """Accept or refuse a device by its losses (n,) and the reference's (n,)."""
    agreement = compare_losses(reference, losses)
    difference = agreement.largest_difference
    if not math.isfinite(difference):
        return _refuse(machine, "a loss of the trial is not finite")
    found = (
        f"{len(losses)} steps, loss {losses[0]:.3f} → {losses[-1]:.3f}, differs from "
        f"the reference by {difference:.1e} at most (limit {tolerance:.0e})"
    )
    if difference > tolerance or not agreement.falls:
        return _refuse(machine, found)
    same = "its threads and kernels agree" if machine.device == "cpu" else _SAME
    meaning = f"{same}: training can be trusted"
    return Check(_name(machine), "ok", found, meaning)


def compare_losses(reference: Sequence[float], losses: Sequence[float]) -> Agreement:
    """Largest relative difference over the steps, and whether the loss fell."""
    assert len(reference) == len(losses) > 0
    everything = [*reference, *losses]
    if not all(map(math.isfinite, everything)):
        return Agreement(math.inf, False)
    differences = [
        abs(loss - wanted) / max(abs(wanted), 1e-12)
        for wanted, loss in zip(reference, losses, strict=True)
    ]
    return Agreement(max(differences), losses[-1] < losses[0])


def run_trial(machine: MachineConfig, n_steps: int = N_STEPS) -> list[float]:
    """Train the small model by the real loop; returns the loss of each step.

    Raises:
        UserError: the device is not there, or a loss is not finite.
    """
    from scratchlm.base.device import seed_everything
    from scratchlm.model import ModelConfig, Transformer
    from scratchlm.train import NextToken, TrainConfig, train

    config = TrainConfig(
        total_steps=n_steps,
        batch_size=_ROWS,
        micro_batch_size=_ROWS,
        context_length=_CONTEXT,
        optimizer="adamw",
        matrix_lr=2e-3,
    )
    shape = ModelConfig(
        vocab_size=_VOCABULARY,
        context_length=_CONTEXT,
        n_layers=2,
        n_heads=4,
        n_kv_heads=2,
        d_model=64,
        d_ff=192,
        d_head=16,
    )
    seed_everything(0)
    model = Transformer(shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        with MetricsWriter(path, "trial") as metrics:
            train(
                model,
                NextToken(),
                PatternBatches(),
                config,
                Path(folder),
                machine,
                metrics=metrics,
            )
        return [float(row["train/loss"]) for row in read_metrics(path)]


class PatternBatches:
    """Rows that count upwards in strides: easy to learn, the same on every machine."""

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """Tokens and targets (B, T) int64, loss_mask (B, T) bool."""
        rows = np.arange(_ROWS)[:, None] + step * _ROWS  # (B, 1)
        places = np.arange(_CONTEXT + 1)[None, :]  # (1, T + 1)
        tokens = (rows * 37 + places * (1 + rows % 3)) % _VOCABULARY
        return {
            "tokens": tokens[:, :-1],
            "targets": tokens[:, 1:],
            "loss_mask": np.ones((_ROWS, _CONTEXT), dtype=bool),
        }


def _refuse(machine: MachineConfig, found: str) -> Check:
    other = "machine.threads=1 machine.attention=sdpa"
    if machine.device != "cpu":
        other = "machine.device=cpu"
    if machine.dtype != "float32":
        other = "machine.dtype=float32"
    return Check(
        _name(machine),
        "refused",
        found,
        f"{machine.device} in {machine.dtype} does not compute what the reference does",
        f"train with {other}; update the driver and torch, and ask the doctor again",
    )


def _name(machine: MachineConfig) -> str:
    return f"trial {machine.device} {machine.dtype}"
