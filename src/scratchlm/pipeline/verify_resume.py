"""Prove on this machine that a killed run ends with the same bits.

The recipe in small is trained once undisturbed and once with SIGKILLs at random
moments, each time by the real command in a process of its own, on the same shards.
Then every byte of the models and every figure of the metrics is compared.
"""

from __future__ import annotations

import math
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scratchlm.base.config import merge
from scratchlm.base.hashing import sha256_file
from scratchlm.base.metrics import read_metrics
from scratchlm.pipeline.recipe import Recipe
from scratchlm.pipeline.small_recipe import find_draft
from scratchlm.pipeline.small_training import SmallTraining
from scratchlm.train.checkpoint_folders import CHECKPOINTS, folder_step, list_folders
from scratchlm.train.record import CLOCKED

Say = Callable[[str], object]

FIRST_STEPS = 60
TRAINING_S = 4.0
"""Seconds of undisturbed steps, about: room for random moments."""
MOST_STEPS = 3000
AT_START = 0.15
"""Share of the kills that come before the first step of a life."""
IN_SAVE = 0.3
"""Share that wait, after their random moment, for the next write of a checkpoint."""
LONGEST_WAIT_S = 3.0
POLL_S = 0.001


@dataclass(frozen=True)
class Kill:
    """One SIGKILL, and what it met."""

    step: int
    """Of the newest checkpoint."""
    while_saving: bool
    """Whether a checkpoint was half written."""


@dataclass
class Verification:
    """What was done and found."""

    recipe: Recipe
    kills: list[Kill] = field(default_factory=list)
    n_files: int = 0
    """Files of the model that were compared, byte by byte."""
    n_rows: int = 0
    """Rows of metrics that were compared, figure by figure."""
    differing: list[str] = field(default_factory=list)
    """Names of files and metrics that are not the same."""

    @property
    def holds(self) -> bool:
        """Whether all is the same."""
        return not self.differing and self.n_files > 0 and self.n_rows > 0

    def lines(self) -> Iterator[str]:
        """What to tell a person."""
        saving = sum(kill.while_saving for kill in self.kills)
        at = ", ".join(str(kill.step) for kill in self.kills)
        yield (
            f"{len(self.kills)} kills, {saving} of them while a checkpoint was being "
            f"written; newest checkpoints then: {at}"
        )
        if self.holds:
            yield (
                f"the same bits: {self.n_files} files of the model and {self.n_rows} "
                "rows of metrics are those of the undisturbed run"
            )
        else:
            shown = ", ".join(self.differing[:6])
            yield f"NOT the same: {shown or 'nothing was there to compare'}"


def prove_resume(
    target: str,
    overrides: Mapping[str, Any],
    runs_directory: Path,
    place: Path,
    *,
    n_kills: int = 5,
    seed: int | None = None,
    say: Say = print,
) -> Verification:
    """Train a recipe in small, undisturbed and with kills; compare.

    Args:
        target: a packaged recipe, a TOML file, or a run.
        overrides: nested settings, laid over it.
        runs_directory: where the run is looked for.
        place: an empty folder for what is written.
        n_kills: how many times SIGKILL is sent.
        seed: of the moments; None takes the clock's.
        say: prints one line.

    Raises:
        UserError: the recipe is not valid, or a run ended by itself in an error.
    """
    draft = merge(find_draft(target, runs_directory), overrides)
    bench = _Bench(place, draft, n_kills, say)
    chance = random.Random(time.time_ns() if seed is None else seed)
    bench.prepare()
    return bench.verify(chance)


def compare_trainings(found: Verification, one: Path, other: Path) -> None:
    """Compare two finished trainings, byte by byte and figure by figure.

    Args:
        found: gets what was compared and what differs.
        one: folder of a training: `model/` and `metrics.jsonl`.
        other: the same of the other.
    """
    hashes = [_hash_model(path / "model") for path in (one, other)]
    rows = [
        list(map(_unclocked, read_metrics(path / "metrics.jsonl")))
        for path in (one, other)
    ]
    found.n_files, found.n_rows = len(hashes[0]), len(rows[0])
    found.differing += _differing(*hashes)
    if len(rows[0]) != len(rows[1]):
        found.differing.append(f"metrics: {len(rows[0])} and {len(rows[1])} rows")
    for first, second in zip(*rows, strict=False):
        where = f"step {first['step']}: "
        found.differing += [where + name for name in _differing(first, second)]


class _Bench:
    """The undisturbed training, its clock, and the one that is killed."""

    def __init__(
        self, place: Path, draft: Mapping[str, Any], n_kills: int, say: Say
    ) -> None:
        self.place, self.n_kills, self.say = place, n_kills, say
        save_every = self._save_every(FIRST_STEPS)
        self.small = SmallTraining(place, draft, FIRST_STEPS, save_every)
        self.training_s = self.start_s = 0.0

    def prepare(self) -> None:
        """Text, tokenizer, shards; then the undisturbed training, long enough."""
        self.small.prepare()
        self._train_undisturbed()
        wanted = math.ceil(FIRST_STEPS * TRAINING_S / max(self.training_s, 1e-3))
        wanted = min(max(wanted, 16 * (self.n_kills + 1)), MOST_STEPS)
        if wanted > 1.3 * FIRST_STEPS:
            self.small.resize(wanted, self._save_every(wanted))
            self._train_undisturbed()
        train = self.small.recipe.train
        self.say(
            f"undisturbed: {train.total_steps:,} steps in {self.training_s:.1f} s, a "
            f"checkpoint every {train.checkpoint_every_steps}"
        )

    def verify(self, chance: random.Random) -> Verification:
        """Kill, continue, and compare, until there were kills enough."""
        found = Verification(self.small.recipe)
        while len(found.kills) < self.n_kills:
            kill = self._live(chance)
            if kill is None:  # it had come to its end: a new run is killed next
                self._finish_and_compare(found)
                shutil.rmtree(self.place / "killed")
                continue
            found.kills.append(kill)
            when = "while saving" if kill.while_saving else f"after step {kill.step}"
            self.say(f"kill {len(found.kills)}: {when}")
        self._finish_and_compare(found)
        return found

    def _save_every(self, total_steps: int) -> int:
        return max(total_steps // (8 * (self.n_kills + 1)), 1)

    def _train_undisturbed(self) -> None:
        begun = time.monotonic()
        shutil.rmtree(self.place / "undisturbed", ignore_errors=True)
        folder = self.small.finish("undisturbed")
        times = [row["time_s"] for row in read_metrics(folder / "metrics.jsonl")]
        self.training_s = times[-1] - times[0]
        self.start_s = max(time.monotonic() - begun - self.training_s, 0.1)

    def _finish_and_compare(self, found: Verification) -> None:
        killed = self.small.finish("killed")
        compare_trainings(found, self.place / "undisturbed", killed)

    def _live(self, chance: random.Random) -> Kill | None:
        """Start or continue the training and kill it; None if it ended before."""
        before = _signature(self.place / "killed" / "metrics.jsonl")
        process = self.small.start("killed")
        kind = chance.random()
        after_s = chance.uniform(0, 2 * self.training_s / (self.n_kills + 1))
        if kind < AT_START:
            after_s = chance.uniform(0, self.start_s)
        else:
            self._await_steps(process, before)
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            if AT_START <= kind < AT_START + IN_SAVE:
                self._await_save(process)
            process.kill()
            return self._look() if process.wait() == -signal.SIGKILL else None
        return None

    def _await_save(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + LONGEST_WAIT_S
        while process.poll() is None and time.monotonic() < until:
            if self._is_saving():
                return
            time.sleep(POLL_S)

    def _await_steps(
        self, process: subprocess.Popen[bytes], before: tuple[int, ...] | None
    ) -> None:
        metrics = self.place / "killed" / "metrics.jsonl"
        while process.poll() is None and _signature(metrics) == before:
            time.sleep(POLL_S)

    def _look(self) -> Kill:
        folders = list_folders(self.place / "killed" / CHECKPOINTS)
        step = folder_step(folders[-1]) if folders else 0
        return Kill(step, self._is_saving())

    def _is_saving(self) -> bool:
        """Whether a checkpoint is being written, or was when the process was killed."""
        checkpoints = self.place / "killed" / CHECKPOINTS
        return any(checkpoints.glob(".step_*.tmp-[0-9]*"))


def _signature(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _hash_model(directory: Path) -> dict[str, str]:
    return {path.name: sha256_file(path) for path in sorted(directory.iterdir())}


def _unclocked(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in CLOCKED}


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Names whose values are not the same bits; NaN is NaN."""
    return [
        name
        for name in sorted({*one, *other})
        if repr(one.get(name)) != repr(other.get(name))
    ]
