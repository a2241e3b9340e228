"""Walk through stages in order: skip what is up to date, continue what is not."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from pathlib import Path

from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.base.progress import Progress
from scratchlm.base.units import format_duration
from scratchlm.pipeline.events import stage_done, stage_started
from scratchlm.pipeline.graph import (
    Context,
    Marker,
    Stage,
    judge_stage,
    run_stage,
    settle_changes,
)
from scratchlm.pipeline.run_directory import RunDirectory
from scratchlm.train.identity import OnChange

Say = Callable[[str], object]

WIDTH = 80


class Walk:
    """One walk through the stages of a run."""

    def __init__(
        self, run: RunDirectory, say: Say, on_change: OnChange = "refuse"
    ) -> None:
        self.run = run
        self.say = say
        self.on_change = on_change
        self.hashes: dict[str, str] = {}
        """Hash of the outputs of each stage passed so far."""
        self.made: list[str] = []
        """Names of the stages that had to run."""

    def is_up_to_date(self, stage: Stage) -> bool:
        """Whether a stage has nothing to do; its files are not read for that."""
        directory = self.run.stage(stage.name)
        upstream = {name: self.hashes[name] for name in stage.inputs}
        return judge_stage(stage, directory, upstream, verify=False).up_to_date

    def advance(self, stage: Stage) -> Marker:
        """Pass one stage: run it, or say that it is up to date."""
        directory = self.run.stage(stage.name)
        upstream = {name: self.hashes[name] for name in stage.inputs}
        verdict = judge_stage(stage, directory, upstream)
        if verdict.up_to_date:
            assert verdict.marker is not None
            self._line(stage.name, "up to date", verdict.marker.summary)
            self.hashes[stage.name] = verdict.marker.outputs_hash
            return verdict.marker
        if verdict.reason != "not yet made":
            self._line(stage.name, "…", verdict.reason)
        progress = Progress(stage.name)
        context = self._context(stage, progress)
        verdict = settle_changes(stage, context, verdict)
        if not verdict.keep:
            for path in (self.run.metrics_path, self.run.samples_path):
                forget_rows(path, stage.name)
        stage_started(self.run.metrics_path, stage.name, continues=verdict.keep)
        begun = time.monotonic()
        try:
            marker = run_stage(stage, context, verdict, upstream)
        finally:
            progress.clear()
        wall_s = time.monotonic() - begun
        stage_done(self.run.metrics_path, stage.name, wall_s)
        self._line(stage.name, format_duration(wall_s), marker.summary)
        self.hashes[stage.name] = marker.outputs_hash
        self.made.append(stage.name)
        return marker

    def _context(self, stage: Stage, progress: Progress) -> Context:
        return Context(
            directory=self.run.stage(stage.name),
            inputs={name: self.run.stage(name) for name in stage.inputs},
            metrics_path=self.run.metrics_path,
            progress=progress,
            on_change=self.on_change,
        )

    def _line(self, name: str, what: str, note: str) -> None:
        for line in stage_lines(name, what, note):
            self.say(line)


def stage_lines(name: str, what: str, note: str) -> list[str]:
    """A stage's line of the journey, wrapped to a page."""
    first = f"{name:<13} {what:>11}  "
    return textwrap.wrap(
        note or "done", WIDTH, initial_indent=first, subsequent_indent=" " * len(first)
    )


def forget_rows(path: Path, stage: str) -> None:
    """Drop the rows that a stage wrote to a metrics file in an earlier life."""
    if any(row["stage"] == stage for row in read_metrics(path)):
        with MetricsWriter(path, stage) as metrics:
            metrics.drop_after(-1)
