"""The runs of a directory, one line each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scratchlm.base.atomic import read_json
from scratchlm.base.errors import UserError
from scratchlm.base.units import format_duration
from scratchlm.pipeline.run_directory import RunDirectory, list_runs
from scratchlm.pipeline.status import read_status


@dataclass(frozen=True)
class RunSummary:
    """One run: what it is, how far, how good, how long."""

    name: str
    recipe: str
    state: str
    bits_per_byte: float | None
    """Of the base model on held-out text; None before it was measured."""
    wall_s: float

    def cells(self) -> tuple[str, str, str, str, str]:
        """The row of a table."""
        bits = "" if self.bits_per_byte is None else f"{self.bits_per_byte:.3f}"
        time = format_duration(self.wall_s)
        return self.name, self.recipe, self.state, bits, time


def summarise_runs(runs_directory: Path) -> list[RunSummary]:
    """Summarise every run, by name; a damaged one is listed as such."""
    return [_summarise(run) for run in list_runs(runs_directory)]


def read_bits_per_byte(run: RunDirectory) -> float | None:
    """Held-out bits per byte of a run's base model; None before it was measured."""
    path = run.stage("evaluate_base") / "evaluation.json"
    if not path.exists():
        return None
    return float(read_json(path)["bits_per_byte"]["value"])


def _summarise(run: RunDirectory) -> RunSummary:
    try:
        status = read_status(run)
        bits = read_bits_per_byte(run)
    except UserError:
        return RunSummary(run.name, "?", "damaged", None, 0.0)
    return RunSummary(run.name, status.recipe, status.state, bits, status.wall_s)
