"""The only loop: every objective runs through it, on every machine.

A step: gather gradients over the micro-batches, clip their global norm, move the
masters, log. All state is (masters, optimizer, step): batches and learning rates are
functions of the step, so that a run resumed from a checkpoint repeats it bit by bit.
"""

import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from scratchlm.base.device import apply_machine
from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_rate
from scratchlm.model.transformer import Transformer
from scratchlm.train.checkpoint import Checkpoint, load_latest, save_checkpoint
from scratchlm.train.config import TrainConfig
from scratchlm.train.objective import Batch, Objective
from scratchlm.train.optimizer import Optimizer
from scratchlm.train.precision import MasterWeights
from scratchlm.train.schedule import lr_frac
from scratchlm.train.spike import SpikeWatch

Hook = Callable[[int, Transformer], None]


class Batches(Protocol):
    """A source of batches: a pure function of the step."""

    def batch(self, step: int) -> Mapping[str, object]:
        """All rows of optimizer step `step` (from 0), as numpy arrays."""


@dataclass(frozen=True)
class TrainResult:
    """How a run ended."""

    final_loss: float
    n_spikes: int
    resumed_from_step: int | None


def train(
    model: Transformer,
    objective: Objective,
    batches: Batches,
    config: TrainConfig,
    directory: Path,
    machine: MachineConfig,
    *,
    metrics: MetricsWriter | None = None,
    hooks: Sequence[Hook] = (),
    progress: Progress = SILENT,
) -> TrainResult:
    """Train a model in place, resuming from `directory/checkpoints` where it can.

    Hooks are called as `hook(steps_done, model)` in evaluation mode. Ctrl-C and a
    kill lose the steps since the last checkpoint.

    Raises:
        UserError: the loss is not finite.
    """
    run = _Run(model, objective, batches, config, directory, machine)
    run.metrics, run.progress = metrics, progress
    start = run.resume()
    for step in range(start, config.total_steps):
        run.step(step)
        done = step + 1
        if _is_due(done, config.hook_every_steps) or done == config.total_steps:
            run.call_hooks(hooks, done)
        if _is_due(done, config.checkpoint_every_steps):
            run.save(done)
    run.finish()
    return TrainResult(run.loss, run.n_spikes, start or None)


def remove_checkpoints(directory: Path) -> None:
    """Delete a finished stage's checkpoints."""
    shutil.rmtree(directory / "checkpoints", ignore_errors=True)


class _Run:
    """One call of `train`: what its steps share."""

    def __init__(
        self,
        model: Transformer,
        objective: Objective,
        batches: Batches,
        config: TrainConfig,
        directory: Path,
        machine: MachineConfig,
    ) -> None:
        self.device = apply_machine(machine)
        self.model = model.to(self.device).train()
        self.model.use_attention(machine.attention)
        self.objective, self.batches, self.config = objective, batches, config
        self.checkpoints = directory / "checkpoints"
        self.weights = MasterWeights(model, getattr(torch, machine.dtype))
        self.optimizer = Optimizer(self.weights.masters, config)
        self.watch = SpikeWatch()
        self.metrics: MetricsWriter | None = None
        self.progress: Progress = SILENT
        self.loss = math.nan
        self.n_spikes = 0

    def resume(self) -> int:
        """Load the newest checkpoint; return the number of steps done."""
        checkpoint = load_latest(self.checkpoints)
        if checkpoint is None:
            if self.metrics:
                self.metrics.drop_after(0)
            return 0
        with torch.no_grad():
            for name, master in self.weights.masters.items():
                master.copy_(checkpoint.weights[name])
        self.weights.refresh()
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.n_spikes = checkpoint.extra["n_spikes"]
        self.loss = checkpoint.extra["loss"]
        if self.metrics:
            self.metrics.drop_after(checkpoint.step)
        self.progress.note(f"  resuming at step {checkpoint.step}")
        return checkpoint.step

    def step(self, step: int) -> None:
        """Do optimizer step `step` (from 0)."""
        started = time.perf_counter()
        window = self._tensors(self.batches.batch(step))
        loss, values = self._gradients(window)
        masters = list(self.weights.masters.values())
        limit = self.config.max_grad_norm or math.inf
        grad_norm = float(torch.nn.utils.clip_grad_norm_(masters, limit))
        self._check(step, loss, grad_norm)
        frac = lr_frac(self.config, step)
        self.optimizer.step(step, frac)
        self.weights.refresh()
        for master in masters:
            master.grad = None
        self.loss = loss
        rate = window["tokens"].numel() / (time.perf_counter() - started)
        row = {
            "train/loss": loss,
            "train/grad_norm": grad_norm,
            "train/lr": self.config.matrix_lr * frac,
            "train/tokens_per_s": round(rate, 1),
            **values,
        }
        self._report(step + 1, row, loss, rate)

    def call_hooks(self, hooks: Sequence[Hook], done: int) -> None:
        """Call the hooks with the model in evaluation mode."""
        self.model.eval()
        for hook in hooks:
            hook(done, self.model)
        self.model.train()

    def save(self, done: int) -> None:
        """Write a checkpoint."""
        extra = {"n_spikes": self.n_spikes, "loss": self.loss}
        weights = {k: v.detach().cpu() for k, v in self.weights.masters.items()}
        state = {k: v.cpu() for k, v in self.optimizer.state_dict().items()}
        if self.model.config.tied:
            weights.pop("lm_head.weight", None)
        save_checkpoint(self.checkpoints, Checkpoint(done, weights, state, extra))

    def finish(self) -> None:
        """Leave the model in float32 and evaluation mode."""
        self.weights.release()
        self.model.eval()

    def _gradients(self, window: Batch) -> tuple[float, dict[str, float]]:
        n_rows = len(next(iter(window.values())))
        size = self.config.micro_batch_size
        loss, values = 0.0, dict[str, float]()
        for at in range(0, n_rows, size):
            part = {name: tensor[at : at + size] for name, tensor in window.items()}
            part_loss, part_values = self.objective(self.model, part, window)
            torch.autograd.backward(part_loss)
            self.weights.collect_gradients()
            loss += float(part_loss.detach())
            for name, value in part_values.items():
                values[name] = values.get(name, 0.0) + float(value.detach())
        return loss, values

    def _tensors(self, arrays: Mapping[str, object]) -> Batch:
        return {
            name: _to_tensor(array, self.device)
            for name, array in arrays.items()
            if isinstance(array, np.ndarray)
        }

    def _check(self, step: int, loss: float, grad_norm: float) -> None:
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            raise UserError(
                f"loss {loss} or gradient norm {grad_norm} is not finite at step "
                f"{step + 1}; the last checkpoint is whole: lower the learning rates "
                "and run again"
            )
        score = self.watch.observe(loss)
        if score is not None:
            self.n_spikes += 1
            self.progress.note(
                f"  loss spike at step {step + 1}: {loss:.3f}, {score:.0f} deviations "
                f"above the recent median (gradient norm {grad_norm:.2f})"
            )

    def _report(
        self, done: int, row: dict[str, float], loss: float, rate: float
    ) -> None:
        if self.metrics:
            self.metrics.write(done, row)
        note = f"loss {loss:.3f} · {format_rate(rate, 'tokens')}"
        self.progress.update(done, self.config.total_steps, note)


def _is_due(done: int, every: int | None) -> bool:
    return every is not None and done % every == 0


def _to_tensor(array: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(array).to(device)
