"""Pretraining: the next token over a corpus's shards."""

from collections.abc import Sequence
from pathlib import Path

from scratchlm.base.device import seed_everything
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter
from scratchlm.base.progress import SILENT, Progress
from scratchlm.data import TokenBatches, TokenStore
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import save_model
from scratchlm.train.config import TrainConfig
from scratchlm.train.loop import Hook, remove_checkpoints, train
from scratchlm.train.objective import NextToken


def pretrain(
    config: TrainConfig,
    model_config: ModelConfig,
    data_directory: Path,
    directory: Path,
    machine: MachineConfig,
    *,
    metrics: MetricsWriter | None = None,
    hooks: Sequence[Hook] = (),
    progress: Progress = SILENT,
) -> Path:
    """Train a model from random weights; write and return `directory/model`."""
    store = TokenStore.open(data_directory, "train")
    batches = TokenBatches(store, config.context_length, config.batch_size, config.seed)
    seed_everything(config.seed)
    model = Transformer(model_config)
    train(
        model,
        NextToken(),
        batches,
        config,
        directory,
        machine,
        metrics=metrics,
        hooks=hooks,
        progress=progress,
    )
    save_model(model, directory / "model")
    remove_checkpoints(directory)
    return directory / "model"
