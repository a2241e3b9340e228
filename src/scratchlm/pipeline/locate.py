"""Find a model and its tokenizer by what a person calls them.

A run's name is its last full-precision model; a path may be a model's folder, a
stage's folder, or an export's `scratchlm` folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.pipeline.run_directory import RunDirectory, list_runs

MODEL_FILE = "model.json"
LAST_FIRST = ("align", "finetune", "train")


@dataclass(frozen=True)
class Located:
    """A model's folder and its tokenizer's file."""

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


def model_folder(path: Path) -> Path:
    """The folder with the weights: `path` itself, or `path/model`."""
    inner = path / "model"
    return inner if (inner / MODEL_FILE).is_file() else path


def _located(path: Path, reference: str) -> Located:
    if RunDirectory(path).exists():
        stages = [path / name for name in LAST_FIRST]
        made = [stage for stage in stages if (stage / "model" / MODEL_FILE).is_file()]
        if not made:
            raise UserError(
                f"run {path.name} has no model yet; continue it with: "
                f"scratchlm run {path.name}"
            )
        path = made[0]
    model = model_folder(path)
    if not (model / MODEL_FILE).is_file():
        raise UserError(f"{reference} holds no model ({MODEL_FILE} is missing)")
    return Located(model, _find_tokenizer(model, reference))


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
