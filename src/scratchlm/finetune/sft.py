"""Supervised fine-tuning: a pretrained model learns to answer.

The objective is pretraining's own, with a mask: the next token over the assistant's
words and the ends of its turns, each counted token of a step weighing the same,
however the step is cut into micro-batches.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_json
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_file
from scratchlm.base.machine import MachineConfig
from scratchlm.base.metrics import MetricsWriter
from scratchlm.base.progress import SILENT, Progress
from scratchlm.data.examples import ExampleBatches
from scratchlm.finetune.base_model import load_base_model
from scratchlm.finetune.config import FinetuneConfig
from scratchlm.finetune.conversations import Examples, build_examples
from scratchlm.model.weights import WEIGHTS_FILE, save_model
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.train.config import TrainConfig
from scratchlm.train.identity import OnChange
from scratchlm.train.loop import remove_checkpoints, train
from scratchlm.train.objective import NextToken
from scratchlm.train.surroundings import Hook, Surroundings


def finetune(
    config: FinetuneConfig,
    model_directory: Path,
    tokenizer: Tokenizer,
    conversations: Iterable[Mapping[str, Any]],
    directory: Path,
    machine: MachineConfig,
    metrics: MetricsWriter | None = None,
    progress: Progress = SILENT,
    *,
    hooks: Sequence[Hook] = (),
    on_change: OnChange = "refuse",
) -> Path:
    """Tune a model on conversation rows; write and return `directory/model`.

    Resumes from `directory/checkpoints`; `directory/receipt.json` says which rows
    were used, shortened and left out.

    Args:
        config: how long, how boldly.
        model_directory: the pretrained model.
        tokenizer: its tokenizer.
        conversations: the rows to train on, all of them (`messages`, `id`).
        directory: of the stage.
        machine: device, precision, threads.
        metrics: where the steps' rows go.
        progress: where the user looks.
        hooks: called by the loop as `hook(steps_done, model)`.
        on_change: what to do where a checkpoint belongs to other settings.

    Raises:
        UserError: no conversation can be learned from.
    """
    model, context = load_base_model(model_directory, tokenizer, config.context_length)
    examples = build_examples(tokenizer, conversations, context + 1)
    if not examples.examples:
        raise UserError(
            f"none of {examples.n_rows} conversations has an answer that fits into "
            f"{context} tokens: give other ones, or a longer model.context_length"
        )
    batches = ExampleBatches(
        examples.examples, context, config.batch_size, config.seed, tokenizer.pad_id
    )
    total = config.count_steps(batches.n_rows, batches.n_rows * context)
    plan = config.train_config(total, context)
    result = train(
        model,
        NextToken(),
        batches,
        plan,
        directory,
        machine,
        Surroundings(
            metrics, hooks, progress, on_change=on_change, decode=tokenizer.decode
        ),
    )
    save_model(model, directory / "model")
    receipt = _receipt(examples, batches, plan, result.final_loss)
    receipt["base_sha256"] = sha256_file(model_directory / WEIGHTS_FILE)
    write_json(directory / "receipt.json", receipt)
    remove_checkpoints(directory)
    return directory / "model"


def _receipt(
    examples: Examples, batches: ExampleBatches, plan: TrainConfig, final_loss: float
) -> dict[str, Any]:
    seen = plan.total_steps * plan.batch_size
    return {
        "conversations": examples.receipt(),
        "rows_per_epoch": batches.n_rows,
        "padding_frac": round(batches.padding_frac, 6),
        "epochs": round(seen / batches.n_rows, 6),
        "train": plan.model_dump(mode="json"),
        "final_loss": final_loss,
    }
