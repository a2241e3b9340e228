"""Sinks: where metrics go beside `metrics.jsonl`. Each is an extra; none sends.

A sink sees every row as it is written. After a resume, steps beyond the checkpoint come
a second time: TensorBoard is told to forget the first, the others show the same values
twice, since a resumed run repeats itself.
"""

from __future__ import annotations

import importlib
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, Protocol

from scratchlm.base.errors import UserError

Values = Mapping[str, float | int | str]

TRACKERS = ("tensorboard", "wandb", "trackio")
"""Names of trackers: of their packages, and of the extras that bring them."""


class Sink(Protocol):
    """Something that takes in the rows of a stage's metrics."""

    def write(self, step: int, values: Values) -> None:
        """Take in one row: names `stage/name_unit`, numbers or words."""

    def drop_after(self, step: int) -> None:
        """Rows beyond `step` will come again."""

    def close(self) -> None:
        """Write what is held back, and end."""


def open_sinks(
    names: Iterable[str], directory: Path, run: str, project: str = "scratchlm"
) -> tuple[Sink, ...]:
    """Open trackers by name: tensorboard, wandb (offline), trackio (local).

    Args:
        names: which.
        directory: each writes into a folder of its own name in it.
        run: what the trackers call this run.
        project: what they file it under.

    Raises:
        UserError: unknown name, or its package is not installed.
    """
    names = tuple(names)
    check_sinks(names)
    kinds: dict[str, Callable[[Path, str, str], Sink]] = {
        "tensorboard": TensorBoard,
        "wandb": WandB,
        "trackio": Trackio,
    }
    return tuple(kinds[name](directory / name, run, project) for name in names)


def check_sinks(names: Iterable[str]) -> None:
    """Make sure that trackers can be opened; imports none of them.

    Raises:
        UserError: unknown name, or its package is not installed.
    """
    for name in names:
        if name not in TRACKERS:
            raise UserError(f"unknown tracker {name!r}; known: {', '.join(TRACKERS)}")
        if find_spec(name) is None:
            raise UserError(
                f"{name} is not installed, which train.tracking.sinks names; install "
                f"it with: pip install 'scratchlm[{name}]' (or leave it out: "
                "metrics.jsonl is always written)"
            )


class TensorBoard:
    """Event files in `directory`; look with `tensorboard --logdir`."""

    def __init__(self, directory: Path, run: str, project: str) -> None:
        writer = importlib.import_module("tensorboard.summary.writer.event_file_writer")
        self._proto = importlib.import_module("tensorboard.compat.proto.event_pb2")
        summary = importlib.import_module("tensorboard.compat.proto.summary_pb2")
        self._summary = summary.Summary
        self._writer = writer.EventFileWriter(str(directory))

    def write(self, step: int, values: Values) -> None:
        """Add one scalar for each number; words stay in `metrics.jsonl`."""
        numbers = [
            self._summary.Value(tag=name, simple_value=value)
            for name, value in _numbers(values).items()
        ]
        self._add(step, summary=self._summary(value=numbers))

    def drop_after(self, step: int) -> None:
        """Mark all steps beyond `step` as forgotten."""
        log = self._proto.SessionLog(status=self._proto.SessionLog.START)
        self._add(step + 1, session_log=log)

    def close(self) -> None:
        """Write what is held back."""
        self._writer.close()

    def _add(self, step: int, **content: Any) -> None:
        self._writer.add_event(
            self._proto.Event(wall_time=time.time(), step=step, **content)
        )


class WandB:
    """A Weights & Biases run that stays here; `wandb sync` sends it by hand."""

    def __init__(self, directory: Path, run: str, project: str) -> None:
        wandb = importlib.import_module("wandb")
        directory.mkdir(parents=True, exist_ok=True)
        settings = wandb.Settings(silent=True, console="off")
        self._run: Any = wandb.init(
            project=project,
            name=run,
            dir=str(directory),
            mode="offline",
            settings=settings,
        )
        self._run.define_metric("*", step_metric="step")

    def write(self, step: int, values: Values) -> None:
        """Log the numbers; `step` is a value of its own, since it may come again."""
        self._run.log({**_numbers(values), "step": step})

    def drop_after(self, step: int) -> None:
        """Nothing: repeated steps have the same values."""

    def close(self) -> None:
        """End the run."""
        self._run.finish()


class Trackio:
    """A trackio run in a local database; look with `TRACKIO_DIR=… trackio show`.

    The folder is `$TRACKIO_DIR` where that is set, and a process has but one.
    """

    def __init__(self, directory: Path, run: str, project: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("TRACKIO_DIR", str(directory))
        with redirect_stdout(StringIO()):  # it greets, over the live view
            self._trackio = importlib.import_module("trackio")
            self._trackio.init(
                project=project,
                name=run,
                resume="allow",
                embed=False,
                auto_log_cpu=False,
                auto_log_gpu=False,
            )

    def write(self, step: int, values: Values) -> None:
        """Log the numbers."""
        self._trackio.log(_numbers(values), step=step)

    def drop_after(self, step: int) -> None:
        """Nothing: repeated steps have the same values."""

    def close(self) -> None:
        """End the run."""
        with redirect_stdout(StringIO()):
            self._trackio.finish()


def _numbers(values: Values) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in values.items()
        if not isinstance(value, str) and math.isfinite(value)
    }
