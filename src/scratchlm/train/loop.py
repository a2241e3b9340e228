"""The only loop: every objective runs through it, on every machine.

A step: gather gradients over the micro-batches, take their global norm, let the guard
judge, clip, move the masters, log. All state is (masters, optimizer, step, how many
batches were passed over, guard, loss scale): batches, learning rates and dropout are
functions of the step, so that a run resumed from a checkpoint repeats it bit by bit.
"""

import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from scratchlm.base.device import apply_machine
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter
from scratchlm.base.process_group import agreed_mean
from scratchlm.base.progress import SILENT, Progress
from scratchlm.model.counts import estimate_training_flops
from scratchlm.model.transformer import Transformer
from scratchlm.train.black_box import StepEvent, drop_events_after, record_event
from scratchlm.train.checkpoint_files import Checkpoint
from scratchlm.train.checkpoint_store import CheckpointStore, check_fit
from scratchlm.train.config import TrainConfig
from scratchlm.train.gradients import clip, gather_gradients, global_norm
from scratchlm.train.guard import DivergedError, Guard, Judgement
from scratchlm.train.identity import describe_identity
from scratchlm.train.kernels import choose_kernels
from scratchlm.train.loss_scale import LossScaler
from scratchlm.train.objective import Batch, Objective
from scratchlm.train.optimizer import Optimizer
from scratchlm.train.precision import MasterWeights
from scratchlm.train.record import StepRecord
from scratchlm.train.rehearsal import Rehearsal
from scratchlm.train.sanity import SanityWatch, check_token_ids
from scratchlm.train.schedule import lr_frac
from scratchlm.train.surroundings import Hook, Surroundings
from scratchlm.train.view import TrainView

SLOW_FLOAT16 = (
    "  float16 as asked for; processors multiply it in software: "
    "machine.dtype=bfloat16 is 10 to 100 times as fast here"
)


class Batches(Protocol):
    """A source of batches: a pure function of the step."""

    def batch(self, step: int) -> Mapping[str, object]:
        """All rows of optimizer step `step` (from 0), as numpy arrays."""


@dataclass(frozen=True)
class TrainResult:
    """How a run ended."""

    final_loss: float
    """Of the last accepted step."""
    n_events: int
    """Steps that the guard did not accept."""
    resumed_from_step: int | None
    """None for a run that began anew."""


def train(
    model: Transformer,
    objective: Objective,
    batches: Batches,
    config: TrainConfig,
    directory: Path,
    machine: MachineConfig,
    surroundings: Surroundings | None = None,
    *,
    metrics: MetricsWriter | None = None,
    hooks: Sequence[Hook] = (),
    progress: Progress = SILENT,
) -> TrainResult:
    """Train a model in place, resuming from `directory/checkpoints` where it can.

    Ctrl-C and a kill lose the steps since the last checkpoint.

    Args:
        model: on any device; in float32 and evaluation mode when it is given back.
        objective: the loss.
        batches: what is learned from.
        config: how long, how fast, which optimizer.
        directory: for `checkpoints/` and `events/`.
        machine: device, precision, threads, kernels.
        surroundings: who watches, what is compared; or give the three that most need:
        metrics: as in `Surroundings`.
        hooks: as in `Surroundings`.
        progress: as in `Surroundings`.

    Raises:
        DivergedError: the guard gives the run up.
        UserError: the disk is full; a checkpoint belongs to
            other settings or data; an id is not the model's.
    """
    around = surroundings or Surroundings(metrics, hooks, progress)
    run = _Run(model, objective, batches, config, directory, machine, around)
    try:
        with run.store:
            start = run.resume()
            run.go(start)
    finally:
        run.observer.close()
    run.finish()
    return TrainResult(run.loss, run.guard.n_events, start or None)


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
        around: Surroundings,
    ) -> None:
        self.device = apply_machine(machine)
        self.model = model.to(self.device).train()
        self.objective, self.batches, self.config = objective, batches, config
        self.directory, self.around = directory, around
        self.observer = around.observer or TrainView(
            around.progress, live=config.tracking.view == "auto"
        )
        self.weights = MasterWeights(model, getattr(torch, machine.dtype))
        choose_kernels(model, machine, config.activation_checkpointing)
        self.optimizer = Optimizer(
            self.weights.masters, config, d_head=model.config.d_head
        )
        self.guard = Guard(config.guard)
        self.scaler = LossScaler(machine.dtype == "float16")
        settings = {"model": model.config, "train": config, "machine": machine}
        self.store = CheckpointStore(
            directory / "checkpoints",
            config.checkpoints,
            around.identity or describe_identity(settings, {}),
            on_change=around.on_change,
            progress=around.progress,
        )
        self.watch: SanityWatch | None = None
        self.ceiling = machine.ceiling_flops_per_s
        self.flops_per_token = estimate_training_flops(
            model.config, config.context_length
        )
        self.data_offset = 0  # batches that rollbacks passed over
        self.is_saved = False  # not "is on the disk": a thread may be at it
        self.metric: float | None = None
        self.loss = math.nan

    def resume(self) -> int:
        """Load the newest checkpoint; return the number of steps done."""
        if self.scaler.enabled and self.device.type == "cpu":
            self.observer.note(SLOW_FLOAT16)
        checkpoint = self.store.load_newest()
        self._forget_rows_after(0 if checkpoint is None else checkpoint.step)
        if checkpoint is None:
            drop_events_after(self.directory, 0)
            if self.around.fresh and self.config.tracking.sanity:
                vocab_size = self.model.config.vocab_size
                self.watch = SanityWatch(vocab_size, self.observer.note)
            return 0
        self.guard.load_state_dict(checkpoint.state["guard"])
        self._restore(checkpoint)
        drop_events_after(self.directory, checkpoint.step + self.data_offset)
        self.observer.note(f"  resuming at step {checkpoint.step}")
        return checkpoint.step

    def go(self, start: int) -> None:
        """Do all steps from `start` (from 0)."""
        step, config = start, self.config
        while step < config.total_steps:
            before, step = step, self.step(step)
            if step <= before:  # rolled back: the checkpoint stands, its hooks ran
                self._forget_rows_after(step)
                continue
            if _is_due(step, config.hook_every_steps) or step == config.total_steps:
                self.call_hooks(step)
            if _is_due(step, config.checkpoint_every_steps):
                self.save(step)
            self.store.check()

    def step(self, step: int) -> int:
        """Do optimizer step `step` (from 0); the number of the next one."""
        started = time.perf_counter()
        _seed_step(self.config.seed, step)
        arrays = self.batches.batch(step + self.data_offset)
        check_token_ids(arrays, self.model.config.vocab_size, f"step {step + 1}")
        window = self._tensors(arrays)
        loss, values = gather_gradients(
            self.model,
            self.objective,
            window,
            self.config.micro_batch_size,
            self.weights,
            self.scaler.scale,
        )
        norm = global_norm(self.weights.gradients())
        loss, norm = agreed_mean([loss, norm])
        if self.watch:
            self.watch.gradients(step, loss, self.weights.masters)
        if self.scaler.enabled:
            values = {**values, "train/loss_scale": self.scaler.scale}
        record = StepRecord(
            step=step + 1,
            total_steps=self.config.total_steps,
            loss=loss,
            grad_norm=norm,
            lr=self.config.matrix_lr * self._lr_frac(step),
            tokens=self.config.row_schedule.first_row(step + 1)
            * self.config.context_length,
            step_tokens=next(iter(window.values())).numel(),
            step_s=0.0,
            values=values,
        )
        next_step, action = self._decide(step, record, window)
        self.weights.drop_gradients()
        self._report(replace(record, action=action, step_s=_since(started)))
        return next_step

    def call_hooks(self, done: int) -> None:
        """Call the hooks with the model in evaluation mode."""
        self.model.eval()
        for hook in self.around.hooks:
            figure = hook(done, self.model)
            self.metric = self.metric if figure is None else figure
        self.model.train()

    def save(self, done: int) -> None:
        """Hand a checkpoint to the store."""
        weights = {**self.weights.masters, **self._buffers()}
        if self.model.config.tied:
            weights.pop("lm_head.weight", None)
        tensors = {"weights": weights, "optimizer": self.optimizer.state_dict()}
        state = {
            "loss": self.loss,
            "metric": self.metric,
            "data_offset": self.data_offset,
            "guard": self.guard.state_dict(),
            "loss_scale": self.scaler.state_dict(),
        }
        self.store.save(Checkpoint(done, tensors, state), self.metric)
        self.is_saved = True

    def finish(self) -> None:
        """Leave the model in float32 and evaluation mode."""
        self.weights.release()
        self.model.eval()

    def _decide(self, step: int, record: StepRecord, window: Batch) -> tuple[int, str]:
        """Take the step, or not; the number of the next step, and what was done."""
        overflow = math.isfinite(record.loss) and not math.isfinite(record.grad_norm)
        if overflow and self.scaler.shrink():
            self.model.forget_router_load()
            return step + 1, "rescale"
        judgement = self.guard.judge(
            step,
            record.loss,
            record.grad_norm,
            can_roll_back=self.is_saved,
        )
        if judgement.accepted:
            self._take(step, record)
            return step + 1, "accept"
        self._record_event(step, judgement, window)
        self.observer.note(f"  step {step + 1}: {judgement.reason}")
        self.weights.drop_gradients()
        self.model.forget_router_load()
        if judgement.action == "stop":
            raise DivergedError(
                f"step {step + 1}: {judgement.reason}; the last checkpoint is whole: "
                f"see {self.directory / 'events'}, lower the learning rates and go on "
                "with --accept-changes"
            )
        if judgement.action == "rollback":
            return self._roll_back(step), "rollback"
        return step + 1, judgement.action

    def _take(self, step: int, record: StepRecord) -> None:
        gradients = self.weights.gradients()
        clip(gradients, record.grad_norm, self.config.max_grad_norm)
        self.optimizer.step(step, self._lr_frac(step))
        self.model.update_router_bias(self.config.router_bias_rate)
        self.weights.refresh()
        self.scaler.grow()
        self.loss = record.loss

    def _roll_back(self, step: int) -> int:
        """Go back to the last checkpoint; the data since are passed over."""
        checkpoint = self.store.load_newest()
        assert checkpoint is not None, "judged possible"
        offset = self.data_offset + step + 1 - checkpoint.step
        self._restore(checkpoint)
        self.guard.return_to(checkpoint.state["guard"])
        self.data_offset = offset
        return checkpoint.step

    def _restore(self, checkpoint: Checkpoint) -> None:
        saved = dict(checkpoint.tensors["weights"])
        if self.model.config.tied:
            saved["lm_head.weight"] = saved["embed_tokens.weight"]
        check_fit(saved, self.weights.masters, "weight")
        optimizer = dict(checkpoint.tensors["optimizer"])
        check_fit(optimizer, self.optimizer.state_dict(), "optimizer state")
        self.weights.load(saved)
        with torch.no_grad():
            for name, buffer in self._buffers().items():
                buffer.copy_(saved[name])
        self.optimizer.load_state_dict(optimizer)
        state = checkpoint.state
        self.data_offset, self.loss = state["data_offset"], state["loss"]
        self.metric, self.is_saved = state["metric"], True
        self.scaler.load_state_dict(state["loss_scale"])

    def _buffers(self) -> dict[str, Tensor]:
        """What the model keeps besides its parameters: balance of experts."""
        learned = dict(self.model.named_parameters(remove_duplicate=False))
        kept = self.model.state_dict()
        return {name: kept[name] for name in kept if name not in learned}

    def _record_event(self, step: int, judgement: Judgement, window: Batch) -> None:
        """Write down what happened, with the batch."""
        if self.guard.n_events > self.config.guard.max_recorded_events:
            return
        rehearsal = Rehearsal(
            self.model,
            self.objective,
            window,
            self.config.micro_batch_size,
            lambda: _seed_step(self.config.seed, step),
            self.scaler.scale,
        )
        event = StepEvent(step, step + self.data_offset, self.guard.lr_scale, judgement)
        record_event(
            self.directory, event, rehearsal, self.weights.masters, self.around.decode
        )

    def _forget_rows_after(self, done: int) -> None:
        """Drop the metrics of steps that will be done again."""
        if self.around.metrics:
            self.around.metrics.drop_after(done)

    def _lr_frac(self, step: int) -> float:
        return self.guard.lr_scale * lr_frac(self.config, step)

    def _tensors(self, arrays: Mapping[str, object]) -> Batch:
        return {
            name: _to_tensor(array, self.device)
            for name, array in arrays.items()
            if isinstance(array, np.ndarray)
        }

    def _report(self, record: StepRecord) -> None:
        if self.ceiling is not None:
            reached = record.tokens_per_s * self.flops_per_token / self.ceiling
            record = replace(record, mfu_frac=reached)
        if self.around.metrics:
            self.around.metrics.write(record.step, record.row())
        self.observer.step(record)


def _seed_step(seed: int, step: int) -> None:
    """Make dropout a function of the step."""
    torch.manual_seed((seed * 1_000_003 + step + 1) % 2**63)


def _is_due(done: int, every: int | None) -> bool:
    return every is not None and done % every == 0


def _since(started: float) -> float:
    return time.perf_counter() - started


def _to_tensor(array: np.ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(array).to(device)
