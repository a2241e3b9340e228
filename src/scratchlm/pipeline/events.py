"""When stages started and ended: rows of `metrics.jsonl` under the stage "journey".

Times live here and nowhere else. An attempt that was killed has no end; the last row
that its stage wrote says how far it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scratchlm.base.metrics import MetricsWriter, Value

JOURNEY = "journey"


@dataclass(frozen=True)
class StageTime:
    """What a stage cost, over all attempts since its last fresh start."""

    wall_s: float
    """Seconds of work, those of killed attempts included as far as they are known."""
    attempts: int
    """1 where it was never interrupted."""
    done: bool


def write_event(path: Path, values: Mapping[str, Value]) -> None:
    """Append one row to a run's metrics under the stage "journey"."""
    with MetricsWriter(path, JOURNEY) as metrics:
        metrics.write(0, values)


def stage_started(path: Path, stage: str, continues: bool) -> None:
    """Record that an attempt at a stage begins."""
    start = "continued" if continues else "started"
    write_event(path, {"journey/stage": stage, "journey/event": start})


def stage_done(path: Path, stage: str, wall_s: float) -> None:
    """Record that a stage ended, and the seconds of its last attempt."""
    done = {"journey/stage": stage, "journey/event": "done"}
    write_event(path, {**done, "journey/wall_s": round(wall_s, 3)})


def stage_times(rows: Iterable[Mapping[str, Any]]) -> dict[str, StageTime]:
    """Add up the time of each stage from the rows of `metrics.jsonl`."""
    times: dict[str, StageTime] = {}
    begun: dict[str, float] = {}
    last: dict[str, float] = {}
    for row in rows:
        name = str(row.get("journey/stage", row["stage"]))
        event = row.get("journey/event")
        if event in ("started", "continued"):
            before = _lost(times.get(name), begun, last, name)
            times[name] = _next_attempt(before if event == "continued" else None)
            begun[name] = float(row["time_s"])
        elif event == "done" and name in times:
            spent = times[name].wall_s + float(row["journey/wall_s"])
            times[name] = StageTime(spent, times[name].attempts, True)
            begun.pop(name, None)
        last[name] = float(row["time_s"])
    return {
        name: _lost(time, begun, last, name) or time for name, time in times.items()
    }


def _next_attempt(before: StageTime | None) -> StageTime:
    if before is None:
        return StageTime(0.0, 1, False)
    return StageTime(before.wall_s, before.attempts + 1, False)


def _lost(
    time: StageTime | None, begun: dict[str, float], last: dict[str, float], name: str
) -> StageTime | None:
    """Add what an attempt without an end is known to have taken."""
    if time is None or time.done or name not in begun:
        return time
    spent = time.wall_s + max(0.0, last.get(name, 0.0) - begun.pop(name))
    return StageTime(spent, time.attempts, False)
