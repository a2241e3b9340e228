"""Preference alignment: a chat model learns which of two answers is the better one.

The model it starts from is the reference too; what the reference thinks of every
answer is computed first, once, and kept beside the stage.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from scratchlm.align.batches import PairBatches
from scratchlm.align.config import AlignConfig
from scratchlm.align.objective import Preference
from scratchlm.align.pairs import Pairs, Row, build_pairs
from scratchlm.align.reference import reference_log_probs
from scratchlm.base.atomic import write_json
from scratchlm.base.device import apply_machine
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_file
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter
from scratchlm.base.progress import SILENT, Progress
from scratchlm.finetune.base_model import load_base_model
from scratchlm.model.transformer import Transformer
from scratchlm.model.weights import WEIGHTS_FILE, save_model
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.train.config import TrainConfig
from scratchlm.train.identity import OnChange
from scratchlm.train.loop import remove_checkpoints, train
from scratchlm.train.precision import MasterWeights
from scratchlm.train.surroundings import Hook, Surroundings


def align(
    config: AlignConfig,
    model_directory: Path,
    tokenizer: Tokenizer,
    pairs: Iterable[Row],
    directory: Path,
    machine: MachineConfig,
    metrics: MetricsWriter | None = None,
    progress: Progress = SILENT,
    *,
    hooks: Sequence[Hook] = (),
    on_change: OnChange = "refuse",
) -> Path:
    """Tune a chat model on preference rows; write and return `directory/model`.

    Resumes from `directory/checkpoints` and `directory/reference.safetensors`;
    `directory/receipt.json` says which rows were used, shortened and left out.

    Args:
        config: the loss, how long, how boldly.
        model_directory: the chat model; also the reference.
        tokenizer: its tokenizer.
        pairs: the rows to train on, all of them (`prompt`, `chosen`, `rejected`).
        directory: of the stage.
        machine: device, precision, threads.
        metrics: where the steps' rows go.
        progress: where the user looks.
        hooks: called by the loop as `hook(steps_done, model)`.
        on_change: what to do where a checkpoint belongs to other settings.

    Raises:
        UserError: no pair can be learned from.
    """
    model, context = load_base_model(model_directory, tokenizer, config.context_length)
    built = build_pairs(tokenizer, pairs, context + 1)
    if not built.pairs:
        raise UserError(
            f"none of {built.n_rows} preference pairs has two answers that differ and "
            f"fit into {context} tokens: give other ones, or a longer "
            "model.context_length"
        )
    weights_hash = sha256_file(model_directory / WEIGHTS_FILE)
    path = directory / "reference.safetensors"
    table = _reference(model, weights_hash, built, tokenizer.pad_id, path, machine)
    batches = PairBatches(
        built.pairs, table, config.batch_size, config.seed, tokenizer.pad_id
    )
    total = config.count_steps(len(built.pairs), built.n_tokens)
    plan = config.train_config(total, context)
    result = train(
        model,
        Preference(config),
        batches,
        plan,
        directory,
        machine,
        Surroundings(
            metrics, hooks, progress, on_change=on_change, decode=tokenizer.decode
        ),
    )
    save_model(model, directory / "model")
    receipt = _receipt(built, config, plan, result.final_loss)
    write_json(
        directory / "receipt.json", {**receipt, "reference_sha256": weights_hash}
    )
    remove_checkpoints(directory)
    return directory / "model"


def _reference(
    model: Transformer,
    weights_hash: str,
    built: Pairs,
    pad_id: int,
    path: Path,
    machine: MachineConfig,
) -> NDArray[np.float32]:
    """The table in the precision that training will compute in, so Δ starts at 0."""
    model.to(apply_machine(machine))
    precision = MasterWeights(model, getattr(torch, machine.dtype))
    try:
        return reference_log_probs(model, weights_hash, built.pairs, pad_id, path)
    finally:
        precision.release()


def _receipt(
    built: Pairs, config: AlignConfig, plan: TrainConfig, final_loss: float
) -> dict[str, Any]:
    seen = plan.total_steps * plan.batch_size
    return {
        "preferences": built.receipt(),
        "epochs": round(seen / len(built.pairs), 6),
        "config": config.model_dump(mode="json"),
        "train": plan.model_dump(mode="json"),
        "final_loss": final_loss,
    }
