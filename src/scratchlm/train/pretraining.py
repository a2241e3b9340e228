"""Pretraining: the next token over a corpus's shards."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from scratchlm.base.device import seed_everything
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter
from scratchlm.base.progress import SILENT, Progress
from scratchlm.data import PackedBatches, TokenBatches, TokenStore, pack_documents
from scratchlm.data.batches import RowSource
from scratchlm.model.config import ModelConfig
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import save_model
from scratchlm.train.batch_schedule import BatchSchedule
from scratchlm.train.config import TrainConfig
from scratchlm.train.identity import describe_identity
from scratchlm.train.loop import remove_checkpoints, train
from scratchlm.train.objective import NextToken
from scratchlm.train.surroundings import Hook, Surroundings


class ScheduledBatches:
    """Batches from a source of rows, as many rows a step as a schedule says."""

    def __init__(self, source: RowSource, schedule: BatchSchedule) -> None:
        self.source, self.schedule = source, schedule

    def batch(self, step: int) -> Mapping[str, object]:
        """The rows of optimizer step `step` (from 0): a pure function."""
        first, count = self.schedule.first_row(step), self.schedule.rows(step)
        return {**self.source.rows(np.arange(first, first + count, dtype=np.int64))}


def open_rows(
    config: TrainConfig,
    store: TokenStore,
    directory: Path,
    progress: Progress = SILENT,
) -> RowSource:
    """The rows that a config asks for: cut from the stream, or packed documents.

    Args:
        config: context length, seed, packing, document mask.
        store: the tokens.
        directory: for the plan of packed rows.
        progress: told how far the packing is.
    """
    if config.packing == "documents":
        packing = pack_documents(store, config.context_length, directory, progress)
        return PackedBatches(store, packing, config.batch_size, config.seed)
    return TokenBatches(
        store,
        config.context_length,
        config.batch_size,
        config.seed,
        separate=config.document_mask,
    )


def pretrain(
    config: TrainConfig,
    model_config: ModelConfig,
    data_directory: Path,
    directory: Path,
    machine: MachineConfig,
    surroundings: Surroundings | None = None,
    *,
    metrics: MetricsWriter | None = None,
    hooks: Sequence[Hook] = (),
    progress: Progress = SILENT,
) -> Path:
    """Train a model from random weights; write and return `directory/model`.

    Arguments are those of `train`; the identity of the run is filled in here.
    """
    around = surroundings or Surroundings(metrics, hooks, progress)
    store = TokenStore.open(data_directory, "train")
    rows = open_rows(config, store, directory / "rows", around.progress)
    seed_everything(config.seed)
    model = Transformer(model_config)
    settings = {"model": model_config, "train": config, "machine": machine}
    inputs = {"data": rows.fingerprint, "tokenizer": store.tokenizer_sha256}
    identity = describe_identity(settings, inputs)
    around = replace(around, identity=identity, fresh=True)
    objective = NextToken(config.z_loss, document_mask=config.document_mask)
    batches = ScheduledBatches(rows, config.row_schedule)
    train(model, objective, batches, config, directory, machine, around)
    save_model(model, directory / "model")
    remove_checkpoints(directory)
    shutil.rmtree(directory / "rows", ignore_errors=True)
    return directory / "model"
