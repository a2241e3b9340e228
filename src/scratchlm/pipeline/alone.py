"""One stage of a run, alone: other settings or another model, into another folder.

The stages before it stay as they are. What is written resumes and is skipped when up
to date, exactly as in a journey.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scratchlm.base.config import build_config, merge, read_toml
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_file
from scratchlm.base.lock import DirectoryLock
from scratchlm.base.progress import Progress
from scratchlm.pipeline.graph import (
    Context,
    Stage,
    judge_stage,
    read_marker,
    run_stage,
    settle_changes,
)
from scratchlm.pipeline.locate import model_folder
from scratchlm.pipeline.recipe import Recipe
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.pipeline.stages import build_stages
from scratchlm.train.identity import OnChange


def run_alone(
    run: RunDirectory,
    name: str,
    out: Path,
    overrides: Mapping[str, Any],
    model: tuple[str, Path] | None = None,
    on_change: OnChange = "refuse",
) -> str:
    """Run one stage of a finished run into a folder of its own.

    Args:
        run: gives the inputs and the recipe.
        name: of the stage.
        out: the folder to write to; not inside the run's own stages.
        overrides: laid over the run's recipe.
        model: (input stage, folder): a model to take instead of that stage's.
        on_change: what to do with checkpoints that were made under other conditions.

    Returns:
        What the stage says of its result.

    Raises:
        UserError: an input is not made yet, a setting is not valid, another process
            writes to the folder, or checkpoints there were made under other conditions.
    """
    if run.path.resolve() in (out.resolve(), *out.resolve().parents):
        raise UserError(f"{out} stands inside run {run.name}; choose another --out")
    stage = _find_stage(run, name, overrides)
    inputs = {source: run.stage(source) for source in stage.inputs}
    upstream = {source: _outputs_hash(run, source) for source in stage.inputs}
    if model is not None:
        source, folder = model
        inputs[source], upstream[source] = folder, _weights_hash(folder)
    progress = Progress(name)
    context = Context(out, inputs, out / "metrics.jsonl", progress, on_change)
    with DirectoryLock(out):
        verdict = judge_stage(stage, out, upstream)
        if verdict.marker is not None:
            return f"up to date: {verdict.marker.summary}"
        verdict = settle_changes(stage, context, verdict)
        try:
            return run_stage(stage, context, verdict, upstream).summary
        finally:
            progress.clear()


def _find_stage(run: RunDirectory, name: str, overrides: Mapping[str, Any]) -> Stage:
    if not run.recipe_path.exists():
        raise UserError(
            f"run {run.name} has no resolved recipe yet; continue it with: "
            f"scratchlm run {run.name}"
        )
    values = merge(read_toml(run.recipe_path), overrides)
    recipe = build_config(Recipe, values, "recipe")
    return next(stage for stage in build_stages(recipe) if stage.name == name)


def _outputs_hash(run: RunDirectory, name: str) -> str:
    marker = read_marker(run.stage(name))
    if marker is None:
        raise UserError(
            f"stage {name} of run {run.name} is not made yet; continue with: "
            f"scratchlm run {run.name}"
        )
    return marker.outputs_hash


def _weights_hash(folder: Path) -> str:
    weights = model_folder(folder) / "model.safetensors"
    if not weights.is_file():
        raise UserError(f"{folder} holds no model (model.safetensors is missing)")
    return sha256_file(weights)
