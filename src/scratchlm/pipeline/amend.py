"""An amended run whose training was interrupted: say so before anything is written.

`scratchlm run NAME a.b=value` derives the recipe anew. Where a training stage of the
run stands at a checkpoint and the new recipe would change what it depends on, the run
is left as it is, and the difference is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import read_json
from scratchlm.base.config import build_config
from scratchlm.pipeline.calibration import NOMINAL, Calibration
from scratchlm.pipeline.dial import derive
from scratchlm.pipeline.facts import CorpusFacts
from scratchlm.pipeline.freeze import resolve
from scratchlm.pipeline.graph import STARTED
from scratchlm.pipeline.recipe import Recipe, read_recipe
from scratchlm.pipeline.request import Request
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.pipeline.stages import PLACES, TABLE
from scratchlm.train.checkpoint_folders import CHECKPOINTS, folder_step, list_folders
from scratchlm.train.identity import find_changes, refuse_changes, settings_that_count


def check_amended(request: Request) -> None:
    """Hold an amended draft against the trainings of its run that were interrupted.

    Raises:
        UserError: such a training would have to begin anew; with the difference.
    """
    run = request.run
    if not (request.amended and run.recipe_path.exists() and run.dial_path.exists()):
        return
    begun = dict(find_begun(run))
    if not begun:
        return
    before, after = read_recipe(run.recipe_path), preview_recipe(request)
    for stage, step in begun.items():
        sections = [settings_behind(recipe, stage) for recipe in (before, after)]
        if changes := find_changes(*sections):
            where = f"stage {stage} of run {run.name}, which stands at step {step:,},"
            raise refuse_changes(changes, where)


def find_begun(run: RunDirectory) -> Iterator[tuple[str, int]]:
    """Training stages that were interrupted after a checkpoint, and its step."""
    for row in TABLE:
        directory = run.stage(row.name)
        folders = list_folders(directory / CHECKPOINTS)
        if folders and (directory / STARTED).exists():
            yield row.name, folder_step(folders[-1])


def preview_recipe(request: Request) -> Recipe:
    """The recipe that a draft would give, from what the run has measured before."""
    dial = read_json(request.run.dial_path)
    where = str(request.run.dial_path)
    facts = build_config(CorpusFacts, dial["facts"], where)
    known = dial["calibration"]
    calibration = build_config(Calibration, known, where) if known else NOMINAL
    return resolve(request.draft, derive(request.draft, calibration, facts))


def settings_behind(recipe: Recipe, stage: str) -> dict[str, Any]:
    """All settings that can change a stage's outputs, its inputs' settings included."""
    parts = recipe.model_dump(mode="json")
    return {
        section: _that_count(section, parts[section])
        for section in sorted(_sections_behind(stage))
    }


def _sections_behind(stage: str) -> set[str]:
    rows = {row.name: row for row in TABLE}
    if stage not in rows:
        return {stage}
    found = set(rows[stage].sections.split())
    for source in rows[stage].inputs.split():
        found |= _sections_behind(source)
    return found


def _that_count(section: str, values: dict[str, Any]) -> dict[str, Any]:
    counted = settings_that_count(section, values)
    if section != "corpus":
        return counted
    places = {name: _names(counted.pop(name, None)) for name in sorted(PLACES)}
    return {**counted, **places}


def _names(value: Any) -> Any:
    """Files are known by their names here: where they lie plays no part."""
    if isinstance(value, list):
        return [Path(str(path)).name for path in value]
    return None if value is None else Path(str(value)).name
