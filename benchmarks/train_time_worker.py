"""One run against the clock, in a process of its own: ours, or a peer's.

python benchmarks/train_time_worker.py '{"trainer": "ours", …}'

The clock counts the steps alone: neither what is compiled before them nor the looks at
held-out text between them. The last line printed is the run as JSON.

Axes: W windows, B rows, T tokens.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scratchlm.base.allocator import tune_allocator

WINDOWS, WINDOW_TOKENS = 24, 512
LOOKS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of a run after which held-out text is looked at."""
WARM_UP_STEPS = 4


class Clock:
    """Seconds of the steps, and bits per byte by them."""

    def __init__(self, tokens_per_step: int) -> None:
        self.tokens_per_step = tokens_per_step
        self.steps, self.spent_s = 0, 0.0
        self.seconds: list[float] = []
        self.curve: list[dict[str, float]] = []
        self._since = 0.0

    def start(self) -> None:
        """What follows is training."""
        self._since = time.perf_counter()

    def stop(self) -> None:
        """A step is done; what follows is not training."""
        self.seconds.append(time.perf_counter() - self._since)
        self.spent_s += self.seconds[-1]
        self.steps += 1

    def look(self, bits_per_byte: float) -> None:
        """Note what was reached."""
        row = {
            "time_s": round(self.spent_s, 3),
            "tokens": self.steps * self.tokens_per_step,
            "bits_per_byte": round(bits_per_byte, 5),
        }
        self.curve.append(row)
        print(json.dumps(row), file=sys.stderr)


class HeldOut:
    """Held-out windows, cut to a context; every trainer is asked for the same bytes."""

    def __init__(self, text: Any, context_length: int) -> None:
        import numpy as np

        rows = text.held_out_windows(WINDOWS, WINDOW_TOKENS)
        T = min(context_length, WINDOW_TOKENS)
        parts = [rows[:, at : at + T + 1] for at in range(0, WINDOW_TOKENS, T)]
        windows = np.concatenate(parts)  # (W, T + 1)
        lengths = text.byte_lengths[windows[:, 1:]]
        self.tokens, self.targets = windows[:, :-1].copy(), windows[:, 1:].copy()
        self.counted = lengths > 0  # control tokens are no text
        self.n_bytes = int(lengths.sum())

    def bits_per_byte(self, losses: Callable[[Any, Any], Any]) -> float:
        """By a function from tokens and targets (W, T) to nats (W, T)."""
        import torch

        nats = 0.0
        with torch.no_grad():
            for at in range(0, len(self.tokens), 8):
                rows = slice(at, at + 8)
                tokens, targets = (
                    torch.from_numpy(part[rows]) for part in (self.tokens, self.targets)
                )
                counted = torch.from_numpy(self.counted[rows])
                nats += float(losses(tokens, targets).float()[counted].double().sum())
        return nats / math.log(2) / self.n_bytes


def main() -> None:
    """Do the run that is asked for."""
    spec = json.loads(sys.argv[1])
    tune_allocator()  # for everyone, before torch
    calibrating = spec["trainer"] == "calibration"
    print(json.dumps(measure_machine() if calibrating else run(spec)))


def run(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Do a run; the spec, and what came of it."""
    from train_text import prepare_text

    text = prepare_text(spec["vocab_size"])
    trainers = {"ours": run_ours, "nanogpt": run_nanogpt, "nanochat": run_nanochat}
    clock, facts = trainers[spec["trainer"]](spec, text)
    return {
        **spec,
        **facts,
        "steps": clock.steps,
        "tokens": clock.steps * clock.tokens_per_step,
        "time_s": round(clock.spent_s, 3),
        "lost_frac": lost_frac(clock.seconds[1:]),
        "curve": clock.curve,
        "bits_per_byte": clock.curve[-1]["bits_per_byte"],
    }


def lost_frac(seconds: Sequence[float]) -> float:
    """Share of the time by which steps took longer than their median."""
    if not seconds:
        return 0.0
    usual_s = statistics.median(seconds)
    lost_s = sum(max(0.0, took - usual_s) for took in seconds)
    return round(lost_s / sum(seconds), 4)


def measure_machine() -> dict[str, Any]:
    """What a run's first start measures of this machine."""
    from scratchlm.pipeline.calibrate import calibrate
    from scratchlm.pipeline.recipe import read_packaged

    found = calibrate(read_packaged("laptop"), 0.0)
    return {"calibration": found.model_dump(mode="json")}


class RandomBatches:
    """Random rows of the text, as nanoGPT draws them: a function of seed and step."""

    def __init__(self, text: Any, rows: int, n_tokens: int, seed: int) -> None:
        import numpy as np

        self.ids, self.rows, self.n_tokens, self.seed = text.train, rows, n_tokens, seed
        self.counted = np.ones((rows, n_tokens), np.bool_)

    def batch(self, step: int) -> dict[str, Any]:
        """Arrays (B, T)."""
        from train_text import batch_at

        tokens, targets = batch_at(self.ids, step, self.rows, self.n_tokens, self.seed)
        return {"tokens": tokens, "targets": targets, "loss_mask": self.counted}

    def tensors(self, step: int) -> tuple[Any, Any]:
        """Tokens and targets (B, T)."""
        import torch

        arrays = self.batch(step)
        return torch.from_numpy(arrays["tokens"]), torch.from_numpy(arrays["targets"])


class StepClock(Clock):
    """Stands where the loop writes its metrics, once a step.

    The first step builds the optimizer and compiles, as peers do before the clock
    starts: it counts as long as a step is known to take.
    """

    def __init__(self, tokens_per_step: int, usual_s: float | None) -> None:
        super().__init__(tokens_per_step)
        self.usual_s = usual_s

    def stop(self) -> None:
        """A step is done."""
        super().stop()
        if self.steps == 1 and self.usual_s is not None:
            self.spent_s = self.usual_s

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """A step is done, the next one begins."""
        self.stop()
        self.start()

    def drop_after(self, step: int) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """Nothing is open."""


def run_ours(spec: Mapping[str, Any], text: Any) -> tuple[Clock, dict[str, Any]]:
    """The library's loop; its steps are planned from a few that are timed before."""
    from scratchlm.base.machine import MachineConfig
    from scratchlm.model.config import ModelConfig
    from scratchlm.train.config import TrainConfig

    model_config = ModelConfig.model_validate(spec["model"])
    machine = MachineConfig.model_validate(spec["machine"])
    trial = TrainConfig.model_validate(
        {**spec["train"], "total_steps": WARM_UP_STEPS, "seed": spec["seed"]}
        | {"warmup_steps": 0, "decay_steps": 0}
    )
    batches = RandomBatches(text, trial.batch_size, trial.context_length, spec["seed"])
    step_s = _train(model_config, trial, machine, batches)[0]
    steps = max(2, round(spec["budget_s"] / step_s))
    shares = {
        name: round(spec["shares"][name] * steps)
        for name in ("warmup_steps", "decay_steps")
    }
    config = TrainConfig.model_validate(
        {**spec["train"], "total_steps": steps, "seed": spec["seed"], **shares}
        | {"hook_every_steps": max(1, steps // 10)}
    )
    held_out = HeldOut(text, model_config.context_length)
    _, clock = _train(model_config, config, machine, batches, held_out, step_s)
    return clock, {"n_parameters": model_config.n_parameters}


def _train(
    model_config: Any,
    config: Any,
    machine: Any,
    batches: Any,
    held_out: HeldOut | None = None,
    usual_s: float | None = None,
) -> tuple[float, Clock]:
    """Train from random weights; seconds of a step (median), and the clock."""
    from scratchlm.base.device import seed_everything
    from scratchlm.model.transformer import Transformer
    from scratchlm.train.loop import train
    from scratchlm.train.objective import NextToken

    seed_everything(config.seed)
    model, clock = Transformer(model_config), StepClock(config.tokens_per_step, usual_s)

    def look(done: int, model: Any) -> None:
        def losses(tokens: Any, targets: Any) -> Any:
            return -model.log_probs(tokens, targets)

        if held_out is not None and done >= LOOKS[0] * config.total_steps:
            clock.look(held_out.bits_per_byte(losses))
        clock.start()

    with tempfile.TemporaryDirectory() as directory:
        clock.start()
        train(
            model,
            NextToken(),
            batches,
            config,
            Path(directory),
            machine,
            metrics=clock,  # type: ignore[arg-type]
            hooks=[look],
        )
    return statistics.median(clock.seconds[1:]), clock


def run_nanogpt(spec: Mapping[str, Any], text: Any) -> tuple[Clock, dict[str, Any]]:
    """nanoGPT's inner loop, its cosine planned by the time that it has."""
    import torch

    from scratchlm.model.config import ModelConfig
    from train_peers import ADAMW, build_nanogpt

    torch.set_num_threads(spec["machine"]["threads"])
    config = ModelConfig.model_validate(spec["model"])
    model = build_nanogpt(Path(spec["checkout"]), config, spec["seed"])
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run = torch.compile(model) if spec["compile"] else model
    T, seed = config.context_length, spec["seed"]
    batches = RandomBatches(text, spec["rows"], T, seed)
    clock = Clock(spec["rows"] * T)

    def build_optimizer() -> Any:
        betas = (ADAMW["beta1"], ADAMW["beta2"])
        decay = ADAMW["weight_decay"]
        return model.configure_optimizers(decay, spec["lr"], betas, "cpu")

    def step(optimizer: Any, at: int, frac: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = spec["lr"] * nanogpt_lr_frac(frac)
        loss = run(*batches.tensors(at))[1]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()

    def losses(tokens: Any, targets: Any) -> Any:
        logits = model(tokens, targets)[0]
        return _nats(logits, targets)

    optimizer = build_optimizer()
    for at in range(WARM_UP_STEPS):
        step(optimizer, at, 0.5)
    model.load_state_dict(start)
    optimizer = build_optimizer()
    _against_the_clock(
        clock,
        spec["budget_s"],
        lambda at, frac: step(optimizer, at, frac),
        lambda: HeldOut(text, T).bits_per_byte(losses),
    )
    n_parameters = sum(p.numel() for p in model.parameters())
    return clock, {"n_parameters": n_parameters}


def nanogpt_lr_frac(frac: float) -> float:
    """Its schedule by the share of the time that is gone: 4 % up, cosine to a tenth."""
    warm_up = 0.04
    if frac < warm_up:
        return max(frac, 0.002) / warm_up
    along = (frac - warm_up) / (1 - warm_up)
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * min(along, 1.0)))


def _nats(logits: Any, targets: Any) -> Any:
    from torch.nn import functional as F

    flat = F.cross_entropy(
        logits.flatten(0, 1).float(), targets.flatten(), reduction="none"
    )
    return flat.view(targets.shape)


def _against_the_clock(
    clock: Clock,
    budget_s: float,
    step: Callable[[int, float], None],
    look: Callable[[], float],
) -> None:
    """Steps until the time is over; held-out text at the shares of `LOOKS`."""
    ahead = [share for share in LOOKS if share in (0.5, 0.8)]
    while clock.spent_s < budget_s:
        clock.start()
        step(clock.steps, clock.spent_s / budget_s)
        clock.stop()
        if ahead and clock.spent_s >= ahead[0] * budget_s:
            ahead.pop(0)
            clock.look(look())
    clock.look(look())


def run_nanochat(spec: Mapping[str, Any], text: Any) -> tuple[Clock, dict[str, Any]]:
    """The loop of nanochat's base_train.py: its model, its optimizer, its rules.

    Settings as its runs/runcpu.sh has them; the number of steps, which somebody with
    so much time would give it, follows from a few that are timed before.
    """
    from train_nanochat import Nanochat

    run = Nanochat(Path(spec["checkout"]), spec)
    batches = RandomBatches(text, spec["rows"], spec["context_length"], spec["seed"])
    seconds = []
    for at in range(WARM_UP_STEPS):
        begun = time.perf_counter()
        run.step(at, *batches.tensors(at))
        seconds.append(time.perf_counter() - begun)
    run.begin(max(2, round(spec["budget_s"] / statistics.median(seconds[1:]))))
    held_out = HeldOut(text, spec["context_length"])
    clock = Clock(spec["rows"] * spec["context_length"])
    looks = {math.ceil(share * run.n_steps) for share in (0.5, 0.8, 1.0)}
    for at in range(run.n_steps):
        clock.start()
        run.step(at, *batches.tensors(at))
        clock.stop()
        if at + 1 in looks:
            clock.look(held_out.bits_per_byte(run.losses))
    return clock, {"n_parameters": run.n_parameters}


if __name__ == "__main__":
    main()
