"""Where checkpoints lie: `checkpoints/step_000500/`. Imports no torch."""

import json
from pathlib import Path

PREFIX = "step_"
STATE = "state.json"
CHECKPOINTS = "checkpoints"
"""Folder of a stage that holds them."""


def folder_name(step: int) -> str:
    """Name of the folder of a step's checkpoint."""
    return f"{PREFIX}{step:06d}"


def folder_step(path: Path) -> int:
    """The step that a folder's name says."""
    return int(path.name[len(PREFIX) :])


def list_folders(directory: Path) -> list[Path]:
    """Find the checkpoints of a directory by their names, oldest first."""
    found = directory.glob(f"{PREFIX}*") if directory.is_dir() else ()
    named = [path for path in found if path.name[len(PREFIX) :].isdecimal()]
    return sorted(named, key=folder_step)


def read_metric(path: Path) -> float | None:
    """The validation figure of a checkpoint; None where it cannot be read."""
    try:
        found = json.loads((path / STATE).read_bytes())["metric"]
        return None if found is None else float(found)
    except (OSError, ValueError, KeyError, TypeError):
        return None
