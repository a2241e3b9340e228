"""What a run directory says: every file that a report reads, read without trust.

A report is written at any moment of a run, also of one that was killed in the middle of
a line: a file that is not there is an empty value, one that cannot be read is named in
the report, and neither stops it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeGuard

from scratchlm.base.atomic import read_json
from scratchlm.base.config import read_toml
from scratchlm.base.errors import UserError
from scratchlm.base.metrics import read_metrics
from scratchlm.pipeline.events import StageTime, stage_times
from scratchlm.pipeline.graph import DONE, STARTED, Marker, read_marker
from scratchlm.pipeline.stages import STAGE_NAMES


@dataclass
class RunFiles:
    """The files of one run; every value is empty where there is no file."""

    directory: Path
    problems: list[str] = field(default_factory=list)
    """One line for each file that is there and cannot be read."""

    def __post_init__(self) -> None:
        self.recipe = self._toml("recipe.toml")
        self.recipe_text = self._text("recipe.toml")
        self.dial = self.json("dial.json")
        self.manifest = self.json("manifest.json")
        rows = read_metrics(self.directory / "metrics.jsonl")
        self.metrics = [row for row in rows if isinstance(row, dict)]
        self.times: dict[str, StageTime] = stage_times(self._whole_rows())
        self.markers: dict[str, Marker | None] = {
            name: read_marker(self.directory / name) for name in STAGE_NAMES
        }

    @property
    def name(self) -> str:
        """The run's name: its folder's."""
        return self.directory.resolve().name

    def state(self, stage: str) -> str:
        """``done``, ``begun`` or ``not run yet``."""
        if self.markers.get(stage) is not None:
            return "done"
        begun = (self.directory / stage / STARTED).exists()
        return "begun" if begun else "not run yet"

    def json(self, name: str) -> dict[str, Any]:
        """A JSON object of the run directory, by relative path."""
        path = self.directory / name
        if not path.is_file():
            return {}
        try:
            value = read_json(path)
        except (UserError, OSError) as error:
            self.problems.append(f"{name} cannot be read: {error}")
            return {}
        return value if isinstance(value, dict) else {"value": value}

    def evaluation(self, stage: str) -> dict[str, Any]:
        """What ``evaluate_base`` or ``evaluate_chat`` found."""
        return self.json(f"{stage}/evaluation.json")

    def stage_files(self, stage: str) -> dict[str, dict[str, Any]]:
        """All JSON objects at the top of a stage's folder, by file name."""
        folder = self.directory / stage
        paths = sorted(folder.glob("*.json")) if folder.is_dir() else []
        names = [path.name for path in paths if path.name not in (DONE, STARTED)]
        return {name: self.json(f"{stage}/{name}") for name in names}

    def rows(self, name: str, limit: int = 10_000) -> list[dict[str, Any]]:
        """The first rows of a JSON-lines file, by relative path."""
        path = self.directory / name
        if not path.is_file():
            return []
        found: list[dict[str, Any]] = []
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                row = _parse_row(line)
                if row is not None:
                    found.append(row)
                if len(found) >= limit:
                    break
        return found

    def series(
        self, key: str, stage: str | None = None
    ) -> tuple[list[int], list[float]]:
        """Steps and values of one metric, sorted; of rows of one step the last wins."""
        found: dict[int, float] = {}
        for row in self.metrics:
            value = row.get(key)
            if is_number(value) and stage in (None, row.get("stage")):
                found[int(row.get("step", 0))] = float(value)
        steps = sorted(found)
        return steps, [found[step] for step in steps]

    def count_not_finite(self) -> dict[str, int]:
        """How many metrics of each stage are infinite or no number."""
        counts: dict[str, int] = {}
        for row in self.metrics:
            bad = [v for v in row.values() if isinstance(v, float) and not is_number(v)]
            if bad:
                stage = str(row.get("stage"))
                counts[stage] = counts.get(stage, 0) + len(bad)
        return counts

    def find_metric(self, stage: str, name: str) -> str | None:
        """The key ``…/name`` that a stage's rows use, or None."""
        for row in self.metrics:
            if row.get("stage") == stage:
                for key in row:
                    if key.endswith(f"/{name}"):
                        return key
        return None

    def _toml(self, name: str) -> dict[str, Any]:
        path = self.directory / name
        if not path.is_file():
            return {}
        try:
            return read_toml(path)
        except UserError as error:
            self.problems.append(str(error))
            return {}

    def _text(self, name: str) -> str:
        path = self.directory / name
        return path.read_text("utf-8", errors="replace") if path.is_file() else ""

    def _whole_rows(self) -> list[Mapping[str, Any]]:
        return [row for row in self.metrics if {"stage", "time_s"} <= row.keys()]


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a JSON value is a finite number."""
    return isinstance(value, int | float) and math.isfinite(value)


def dig(value: Any, *path: str) -> Any:
    """The value under nested keys; None where the way ends."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _parse_row(line: str) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None
