"""Metrics: one JSON object a line, appended as the run goes, read by everything else.

A row is `{"stage", "step", "time_s", "train/loss": …}`; names are `stage/name_unit`.
Sinks (trackers, the live view) may be attached; they see each row after the file does.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from scratchlm.base.atomic import write_text
from scratchlm.base.sinks import Sink

Value = float | int | str


class MetricsWriter:
    """Appends the rows of one stage to a run's `metrics.jsonl`."""

    def __init__(self, path: Path, stage: str) -> None:
        self.path = path
        self.stage = stage
        path.parent.mkdir(parents=True, exist_ok=True)
        self._sinks: list[Sink] = []
        self._file = path.open("a", encoding="utf-8")
        if _ends_unfinished(path):
            self._file.write("\n")

    def attach(self, *sinks: Sink) -> None:
        """Show every further row to sinks too; closing the writer closes them."""
        self._sinks.extend(sinks)

    def write(self, step: int, values: Mapping[str, Value]) -> None:
        """Append one row; `time_s` is wall-clock time since the epoch in seconds."""
        row = {"stage": self.stage, "step": step, "time_s": round(time.time(), 3)}
        self._file.write(json.dumps({**row, **values}) + "\n")
        self._file.flush()
        for sink in self._sinks:
            sink.write(step, values)

    def drop_after(self, step: int) -> None:
        """Forget this stage's rows beyond `step`: they will be made again."""
        rows = [
            row
            for row in read_metrics(self.path)
            if row["stage"] != self.stage or row["step"] <= step
        ]
        self._file.close()
        write_text(self.path, "".join(json.dumps(row) + "\n" for row in rows))
        self._file = self.path.open("a", encoding="utf-8")
        for sink in self._sinks:
            sink.drop_after(step)

    def close(self) -> None:
        """Close the file and the sinks."""
        self._file.close()
        while self._sinks:
            self._sinks.pop().close()

    def __enter__(self) -> "MetricsWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _ends_unfinished(path: Path) -> bool:
    """Whether a killed process left a last line without its end."""
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            return False
        file.seek(-1, 2)
        return file.read() != b"\n"


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read all rows; a last line that a killed process left unfinished is ignored."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows
