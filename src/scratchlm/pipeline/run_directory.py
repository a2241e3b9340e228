"""The directory of one run: `runs/<name>/`, its fixed places, and its lock.

runs/<name>/recipe.toml     the resolved recipe, frozen before training
            request.json    what was asked for, calibration and facts beside it
            manifest.json   inputs by hash, code, packages, machine, seeds
            metrics.jsonl   one row an event, appended
            run.lock        held by the one process that works here
            <stage>/        one folder a stage
            report.html
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.base.lock import DirectoryLock

RUNS_VARIABLE = "SCRATCHLM_RUNS"


class RunDirectory:
    """Where the files of one run stand."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The run's name: its folder's."""
        return self.path.name

    @property
    def recipe_path(self) -> Path:
        """The resolved recipe; it exists once the dial has been frozen."""
        return self.path / "recipe.toml"

    @property
    def request_path(self) -> Path:
        """What was asked for; it exists from the first second."""
        return self.path / "request.json"

    @property
    def dial_path(self) -> Path:
        """Calibration, corpus facts and reasons behind the resolved recipe."""
        return self.path / "dial.json"

    @property
    def manifest_path(self) -> Path:
        """Inputs by hash, code version, packages, machine, seeds."""
        return self.path / "manifest.json"

    @property
    def metrics_path(self) -> Path:
        """One JSON row an event."""
        return self.path / "metrics.jsonl"

    @property
    def samples_path(self) -> Path:
        """What the model wrote while it was trained, one JSON row a sample."""
        return self.path / "samples.jsonl"

    @property
    def report_path(self) -> Path:
        """The self-contained page."""
        return self.path / "report.html"

    def stage(self, name: str) -> Path:
        """The folder of one stage."""
        return self.path / name

    def exists(self) -> bool:
        """Whether a run was started here."""
        return self.request_path.is_file() or self.recipe_path.is_file()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run's lock; the system frees it even after `kill -9`.

        Raises:
            UserError: another process works in this run.
        """
        with DirectoryLock(self.path):
            mend_last_line(self.metrics_path)
            yield

    def is_locked(self) -> bool:
        """Whether some process works in this run at this moment."""
        return DirectoryLock(self.path).is_held()


def default_runs_directory() -> Path:
    """`$SCRATCHLM_RUNS`, or `runs` in the current folder."""
    return Path(os.environ.get(RUNS_VARIABLE) or "runs")


def open_run(runs_directory: Path, name: str) -> RunDirectory:
    """Address a run by its name; it need not exist yet.

    Raises:
        UserError: the name cannot be a folder's name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        raise UserError(
            f"{name!r} cannot name a run: use letters, digits, '.', '_' and '-'"
        )
    return RunDirectory(runs_directory / name)


def find_run(runs_directory: Path, name: str) -> RunDirectory:
    """Find an existing run by its name, or by the path of its folder.

    Raises:
        UserError: there is none; the message names those that exist.
    """
    for path in (runs_directory / name, Path(name)):
        run = RunDirectory(path)
        if run.exists():
            return run
    known = [run.name for run in list_runs(runs_directory)]
    there = f"there are: {', '.join(known)}" if known else "there are none yet"
    raise UserError(f"no run {name!r} in {runs_directory}; {there}")


def list_runs(runs_directory: Path) -> list[RunDirectory]:
    """All runs of a directory, by name."""
    if not runs_directory.is_dir():
        return []
    runs = [RunDirectory(path) for path in sorted(runs_directory.iterdir())]
    return [run for run in runs if run.exists()]


def mend_last_line(path: Path) -> None:
    """Cut off a last line that a killed process left unfinished."""
    if not path.exists():
        return
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)
