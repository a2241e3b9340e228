"""How far a run is: read from its markers and metrics, without running anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from scratchlm.base.metrics import read_metrics
from scratchlm.base.units import format_duration
from scratchlm.pipeline.events import StageTime, stage_times
from scratchlm.pipeline.graph import STARTED, read_marker
from scratchlm.pipeline.request import load_request
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.pipeline.stages import STAGE_NAMES

State = Literal["done", "running", "interrupted", "to do"]


@dataclass(frozen=True)
class StageStatus:
    """How far one stage is."""

    name: str
    state: State
    wall_s: float | None
    """Seconds of work so far; None where there was none."""
    note: str
    """The summary of what was made, or the last step."""

    def cells(self) -> tuple[str, str, str, str]:
        """The row of a table."""
        time = "" if self.wall_s is None else format_duration(self.wall_s)
        return self.name, self.state, time, self.note


@dataclass(frozen=True)
class Status:
    """How far a run is."""

    name: str
    recipe: str
    running: bool
    """Whether a process works on it at this moment."""
    stages: tuple[StageStatus, ...]

    @property
    def state(self) -> str:
        """The run's state in a few words."""
        open_stages = [stage.name for stage in self.stages if stage.state != "done"]
        if not open_stages:
            return "running" if self.running else "done"
        return f"{'running' if self.running else 'stopped'} in {open_stages[0]}"

    @property
    def wall_s(self) -> float:
        """Seconds of work of all stages."""
        return sum(stage.wall_s or 0.0 for stage in self.stages)

    def headline(self) -> str:
        """One line for the whole run."""
        spent = format_duration(self.wall_s)
        return f"run {self.name} (recipe {self.recipe}): {self.state}, {spent} of work"

    def advice(self) -> str:
        """What one can do next."""
        if self.state == "done":
            return f"talk to it with: scratchlm chat {self.name}"
        if self.running:
            return "a process is working on it"
        return f"continue with: scratchlm run {self.name}"


def read_status(run: RunDirectory) -> Status:
    """Read how far a run is.

    Raises:
        UserError: the run's own files are damaged.
    """
    rows = read_metrics(run.metrics_path)
    times, running = stage_times(rows), run.is_locked()
    steps = _last_steps(rows)
    stages = tuple(
        _stage_status(run, name, times.get(name), steps.get(name), running)
        for name in STAGE_NAMES
    )
    return Status(run.name, load_request(run).recipe, running, stages)


def _stage_status(
    run: RunDirectory,
    name: str,
    time: StageTime | None,
    step: int | None,
    running: bool,
) -> StageStatus:
    directory = run.stage(name)
    wall_s = None if time is None else time.wall_s
    if (marker := read_marker(directory)) is not None:
        return StageStatus(name, "done", wall_s, marker.summary)
    if not (directory / STARTED).exists():
        return StageStatus(name, "to do", None, "")
    note = "" if step is None else f"step {step:,}"
    return StageStatus(name, "running" if running else "interrupted", wall_s, note)


def _last_steps(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {row["stage"]: int(row["step"]) for row in rows}
