"""One trainer in a process of its own, which takes a step when it is told to.

python benchmarks/train_speed_worker.py '{"trainer": "ours", …}'

It prints one JSON line when it is ready, and one for each line "step" that it reads:
the seconds that the step took, and the loss. At "stop" it tells its memory and ends.
All trainers start from nanoGPT's initial weights and take the same batches.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CEILING_S = 2.0
"""Seconds of one look at the ceiling, about."""


class Orders:
    """Orders from standard input, answers to what was standard output."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what a peer prints is no answer
        self.begun = time.perf_counter()

    def tell(self, **answer: object) -> None:
        """Answer with one line."""
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()

    def wait(self) -> None:
        """Wait for the next order and start the clock.

        Raises:
            SystemExit: it was "stop".
        """
        if sys.stdin.readline().strip() != "step":
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            self.tell(peak_mb=round(peak / 1024))
            sys.stdout.flush()
            os._exit(0)
        self.begun = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the last order."""
        return time.perf_counter() - self.begun


def main() -> None:
    """Build the trainer that is asked for, then follow orders."""
    spec, orders = json.loads(sys.argv[1]), Orders()
    if spec["allocator"]:
        from scratchlm.base.allocator import tune_allocator  # before torch

        tune_allocator()
    trainers = {"ours": run_ours, "nanogpt": run_nanogpt, "ceiling": run_ceiling}
    trainers[spec["trainer"]](spec, orders)


class PreparedBatches:
    """Batches that were cut beforehand, one after another, round and round."""

    def __init__(self, path: str) -> None:
        import numpy as np

        arrays = np.load(path)
        self.tokens, self.targets = arrays["tokens"], arrays["targets"]  # (S, B, T)
        self.counted = np.ones(self.tokens.shape[1:], np.bool_)

    def batch(self, step: int) -> dict[str, Any]:
        """Arrays of a step (B, T)."""
        at = step % len(self.tokens)
        return {
            "tokens": self.tokens[at],
            "targets": self.targets[at],
            "loss_mask": self.counted,
        }


class Pacer:
    """Stands where the loop writes its metrics: each step waits there for an order."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders

    def write(self, step: int, values: Mapping[str, Any]) -> None:
        """A step is done: tell, and wait."""
        self.orders.tell(seconds=self.orders.seconds, loss=values["train/loss"])
        self.orders.wait()

    def drop_after(self, step: int) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """Nothing is open."""


def run_ours(spec: Mapping[str, Any], orders: Orders) -> None:
    """The library's own loop, as a run calls it."""
    import tempfile

    from safetensors.torch import load_file

    from scratchlm.base.machine import MachineConfig
    from scratchlm.model.config import ModelConfig
    from scratchlm.model.transformer import Transformer
    from scratchlm.train.config import TrainConfig
    from scratchlm.train.loop import train
    from scratchlm.train.objective import NextToken
    from train_peers import ADAMW, our_weights

    batches = PreparedBatches(spec["batches"])
    model = Transformer(ModelConfig.model_validate(spec["model"]))
    model.load_state_dict(our_weights(load_file(spec["weights"])))
    rows, n_tokens = batches.tokens.shape[1:]
    lr = ADAMW["learning_rate"]
    config = TrainConfig(
        total_steps=1_000_000,
        batch_size=rows,
        micro_batch_size=rows,
        context_length=n_tokens,
        optimizer="adamw",
        matrix_lr=lr,
        embed_lr=lr,
        head_lr=lr,
        vector_lr=lr,
        beta1=ADAMW["beta1"],
        beta2=ADAMW["beta2"],
        epsilon=1e-8,
        weight_decay=ADAMW["weight_decay"],
        max_grad_norm=1.0,
    )
    orders.tell(ready=True, startup_s=orders.seconds)
    orders.wait()
    with tempfile.TemporaryDirectory() as directory:
        train(
            model,
            NextToken(),
            batches,
            config,
            Path(directory),
            MachineConfig.model_validate(spec["machine"]),
            metrics=Pacer(orders),  # type: ignore[arg-type]
        )


def run_nanogpt(spec: Mapping[str, Any], orders: Orders) -> None:
    """The inner loop of nanoGPT's train.py, its model and its optimizer."""
    from contextlib import nullcontext

    import torch
    from safetensors.torch import load_file

    from scratchlm.model.config import ModelConfig
    from train_peers import ADAMW, build_nanogpt

    torch.set_num_threads(spec["machine"]["threads"])
    batches = PreparedBatches(spec["batches"])
    config = ModelConfig.model_validate(spec["model"])
    model = build_nanogpt(Path(spec["checkout"]), config)
    model.load_state_dict(load_file(spec["weights"]))
    betas = (ADAMW["beta1"], ADAMW["beta2"])
    optimizer = model.configure_optimizers(
        ADAMW["weight_decay"], ADAMW["learning_rate"], betas, "cpu"
    )
    run = torch.compile(model) if spec["compile"] else model
    low = spec["machine"]["dtype"] == "bfloat16"
    context = torch.autocast("cpu", torch.bfloat16) if low else nullcontext()
    orders.tell(ready=True, startup_s=orders.seconds)
    step = 0
    while True:
        orders.wait()
        arrays = batches.batch(step)
        tokens, targets = (torch.from_numpy(arrays[k]) for k in ("tokens", "targets"))
        with context:
            loss = run(tokens, targets)[1]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        value = loss.item()
        orders.tell(seconds=orders.seconds, loss=value)
        step += 1


def run_ceiling(spec: Mapping[str, Any], orders: Orders) -> None:
    """Measure the products of the model's shapes at each order."""
    import torch

    from scratchlm.model.config import ModelConfig
    from scratchlm.model.transformer import Transformer
    from scratchlm.train.ceiling import matrix_shapes, measure_ceiling

    torch.set_num_threads(spec["machine"]["threads"])
    shapes = matrix_shapes(Transformer(ModelConfig.model_validate(spec["model"])))
    dtype = getattr(torch, spec["machine"]["dtype"])
    orders.tell(ready=True, startup_s=orders.seconds)
    while True:
        orders.wait()
        found = measure_ceiling(shapes, spec["n_rows"], dtype, budget_s=CEILING_S)
        flops = found.flops_per_s
        orders.tell(seconds=orders.seconds, flops_per_s=flops, loss=None)


if __name__ == "__main__":
    main()
