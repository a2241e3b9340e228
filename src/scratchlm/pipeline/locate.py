"""Find a model and its tokenizer by what a person calls them.

A run's name is its last full-precision model; a path may be a model's folder, a
stage's folder, an export's `scratchlm` folder, or a checkpoint. Where a training has
not ended, its newest checkpoint stands for its model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scratchlm.base.errors import UserError
from scratchlm.pipeline.run_directory import RunDirectory, list_runs
from scratchlm.train.checkpoint_folders import CHECKPOINTS, STATE, list_folders

if TYPE_CHECKING:
    from scratchlm.model import Transformer

MODEL_FILE = "model.json"
LAST_FIRST = ("align", "finetune", "train")


@dataclass(frozen=True)
class Located:
    """The folder of a model or a checkpoint, and the tokenizer's file."""

    model: Path
    tokenizer: Path


def locate_model(reference: str, runs_directory: Path) -> Located:
    """Find a model.

    Args:
        reference: a run's name, or the path of a run, stage, or model folder.
        runs_directory: where runs stand.

    Raises:
        UserError: nothing of that name, or a model without a tokenizer.
    """
    for path in (runs_directory / reference, Path(reference)):
        if path.is_dir():
            return _located(path.resolve(), reference)
    known = [run.name for run in list_runs(runs_directory)]
    hint = f"runs: {', '.join(known)}" if known else "begin with: scratchlm run laptop"
    raise UserError(f"there is no run and no folder {reference!r}; {hint}")


def open_model(found: Located) -> Transformer:
    """Load what was located, in evaluation mode."""
    if (found.model / STATE).is_file():
        from scratchlm.train.checkpoint_model import load_checkpoint_model

        return load_checkpoint_model(found.model)
    from scratchlm.model import load_model

    return load_model(found.model)


def model_folder(path: Path) -> Path:
    """The folder with the weights: `path` itself, or `path/model`."""
    inner = path / "model"
    return inner if (inner / MODEL_FILE).is_file() else path


def _located(path: Path, reference: str) -> Located:
    if RunDirectory(path).exists():
        stages = [path / name for name in LAST_FIRST]
        made = [stage for stage in stages if (stage / "model" / MODEL_FILE).is_file()]
        made = made or [stage for stage in stages if list_folders(_saved(stage))]
        if not made:
            raise UserError(
                f"run {path.name} has no model yet; continue it with: "
                f"scratchlm run {path.name}"
            )
        path = made[0]
    model = model_folder(path)
    checkpoints = list_folders(_saved(path))
    if not (model / MODEL_FILE).is_file() and checkpoints:
        model = checkpoints[-1]
    if not any((model / name).is_file() for name in (MODEL_FILE, STATE)):
        raise UserError(f"{reference} holds no model ({MODEL_FILE} is missing)")
    return Located(model, _find_tokenizer(model, reference))


def _saved(stage: Path) -> Path:
    return stage / CHECKPOINTS


def _find_tokenizer(model: Path, reference: str) -> Path:
    """Beside the weights, or in the run that the model stands in."""
    candidates = [model / "tokenizer.json"]
    candidates += [p / "tokenizer" / "tokenizer.json" for p in model.parents[:3]]
    for path in candidates:
        if path.is_file():
            return path
    raise UserError(
        f"{reference} has no tokenizer; copy the run's tokenizer.json beside the model"
    )
