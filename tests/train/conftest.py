from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.base.progress import SILENT, Progress
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.train.config import TrainConfig
from scratchlm.train.loop import TrainResult, train
from scratchlm.train.objective import NextToken

V, T = 32, 8
MACHINE = MachineConfig(threads=1)


class RandomRows:
    """Batches of a text with a pattern: each token follows from the one before."""

    def __init__(self, batch_size: int = 4) -> None:
        self.batch_size = batch_size

    def batch(self, step: int) -> dict[str, np.ndarray]:
        draw = np.random.default_rng(step)
        first = draw.integers(V, size=(self.batch_size, 1))
        stream = (first + 3 * np.arange(T + 1)) % V
        mask = draw.random((self.batch_size, T)) < 0.7
        return {"tokens": stream[:, :-1], "targets": stream[:, 1:], "loss_mask": mask}


@pytest.fixture
def build_model() -> Callable[..., Transformer]:
    """A small model with the weights of a seed."""

    def build(seed: int = 0, **changes: object) -> Transformer:
        shape = {"n_layers": 2, "n_heads": 2, "n_kv_heads": 1, "d_model": 16}
        sizes = {"vocab_size": V, "context_length": T, "d_ff": 24}
        torch.manual_seed(seed)
        return Transformer(ModelConfig.model_validate({**shape, **sizes, **changes}))

    return build


@pytest.fixture
def build_config() -> Callable[..., TrainConfig]:
    """Six steps, clipped, with warm-up and decay."""

    def build(**changes: object) -> TrainConfig:
        values = {
            "total_steps": 6,
            "batch_size": 4,
            "micro_batch_size": 4,
            "context_length": T,
            "warmup_steps": 2,
            "decay_steps": 2,
            "weight_decay": 0.1,
        }
        return TrainConfig.model_validate({**values, **changes})

    return build


@pytest.fixture
def run(build_model, build_config, tmp_path) -> Callable[..., "Trained"]:
    """Train a small model; what is not said is as usual."""

    def run_once(
        model: Transformer | None = None,
        directory: Path = tmp_path,
        *,
        machine: MachineConfig = MACHINE,
        objective: object = None,
        hooks: tuple = (),
        progress: Progress = SILENT,
        **changes: object,
    ) -> Trained:
        trained = Trained(model or build_model(), directory)
        config = build_config(**changes)
        with MetricsWriter(directory / "metrics.jsonl", "train") as metrics:
            trained.result = train(
                trained.model,
                objective or NextToken(),
                RandomRows(config.batch_size),
                config,
                directory,
                machine,
                metrics=metrics,
                hooks=hooks,
                progress=progress,
            )
        return trained

    return run_once


class Trained:
    """A model after training, and what the run left."""

    result: TrainResult

    def __init__(self, model: Transformer, directory: Path) -> None:
        self.model = model
        self.directory = directory

    @property
    def weights(self) -> dict[str, torch.Tensor]:
        return {name: p.detach().clone() for name, p in self.model.named_parameters()}

    def series(self, name: str) -> list[float]:
        rows = read_metrics(self.directory / "metrics.jsonl")
        return [row[name] for row in rows if name in row]
