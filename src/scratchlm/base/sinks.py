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
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from scratchlm.base.errors import UserError

Values = Mapping[str, float | int | str]


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
    kinds: dict[str, Callable[[Path, str, str], Sink]] = {
        "tensorboard": TensorBoard,
        "wandb": WandB,
        "trackio": Trackio,
    }
    sinks = []
    for name in names:
        if name not in kinds:
            raise UserError(f"unknown tracker {name!r}; known: {', '.join(kinds)}")
        sinks.append(kinds[name](directory / name, run, project))
    return tuple(sinks)


class TensorBoard:
    """Event files in `directory`; look with `tensorboard --logdir`."""

    def __init__(self, directory: Path, run: str, project: str) -> None:
        _load("tensorboard", "tensorboard")
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
        wandb = _load("wandb", "wandb")
        directory.mkdir(parents=True, exist_ok=True)
        self._run: Any = wandb.init(
            project=project, name=run, dir=str(directory), mode="offline"
        )
        self._run.define_metric("*", step_metric="step")

    def write(self, step: int, values: Values) -> None:
        """Log the numbers; `step` is a value of its own, since it may come again."""
        self._run.log({**_numbers(values), "step": step})

    def drop_after(self, step: int) -> None:
        """Nothing: repeated steps have the same values."""

    def close(self) -> None:
        """End the run."""
        self._run.finish(quiet=True)


class Trackio:
    """A trackio run in a local database; look with `trackio show`."""

    def __init__(self, directory: Path, run: str, project: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("TRACKIO_DIR", str(directory))
        self._trackio = _load("trackio", "trackio")
        self._trackio.init(project=project, name=run, resume="allow", embed=False)

    def write(self, step: int, values: Values) -> None:
        """Log the numbers."""
        self._trackio.log(_numbers(values), step=step)

    def drop_after(self, step: int) -> None:
        """Nothing: repeated steps have the same values."""

    def close(self) -> None:
        """End the run."""
        self._trackio.finish()


def _load(name: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UserError(
            f"train.tracking.sinks names {name}, which is not installed; install it "
            f"with: pip install 'scratchlm[{extra}]' (or leave it out: metrics.jsonl "
            "is always written)"
        ) from None


def _numbers(values: Values) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in values.items()
        if not isinstance(value, str) and math.isfinite(value)
    }
