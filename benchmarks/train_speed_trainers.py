"""Trainers in processes of their own, and what their times say of each other."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scratchlm.model.config import ModelConfig
from scratchlm.plan.flops import estimate_training_flops

SLOW_ROUNDS = 2
"""Rounds in which hopeless modes are timed too."""


@dataclass(frozen=True)
class Shape:
    """A model and a step of it."""

    model: ModelConfig
    rows: int

    @property
    def tokens_per_step(self) -> int:
        """Tokens of one step."""
        return self.rows * self.model.context_length


@dataclass(frozen=True)
class Mode:
    """A trainer and how it is run."""

    name: str
    trainer: str
    machine: Mapping[str, Any]
    allocator: bool = False
    compile: bool = False


@dataclass
class Trainer:
    """A running process and what it has told."""

    mode: Mode
    process: subprocess.Popen[str]
    startup_s: float = 0.0
    losses: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    flops_per_s: list[float] = field(default_factory=list)
    peak_mb: int | None = None

    def hear(self) -> dict[str, Any]:
        """One answer.

        Raises:
            SystemExit: the process ended.
        """
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.mode.name} ended: see above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def step(self, timed: bool) -> None:
        """Let it take one step."""
        answer = self._order("step")
        if answer["loss"] is not None:
            self.losses.append(answer["loss"])
        if timed:
            self.seconds.append(answer["seconds"])
            if "flops_per_s" in answer:
                self.flops_per_s.append(answer["flops_per_s"])

    def stop(self) -> None:
        """Ask for its memory and let it end."""
        if self.peak_mb is None:
            self.peak_mb = self._order("stop")["peak_mb"]
            self.process.wait()

    def _order(self, order: str) -> dict[str, Any]:
        assert self.process.stdin
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return self.hear()


def running(trainers: Sequence[Trainer], at: int) -> list[Trainer]:
    """Those that take part in round `at`; hopeless ones stop after a few."""
    if at < SLOW_ROUNDS:
        return list(trainers)
    best: dict[str, float] = {}
    for t in trainers:
        least = min(t.seconds[:SLOW_ROUNDS])
        best[t.mode.trainer] = min(least, best.get(t.mode.trainer, least))
    kept = []
    for t in trainers:
        is_ceiling = t.mode.trainer == "ceiling"
        if is_ceiling or min(t.seconds[:SLOW_ROUNDS]) <= 2 * best[t.mode.trainer]:
            kept.append(t)
        else:
            t.stop()
    return kept


def in_turn(trainers: Sequence[Trainer], at: int) -> list[Trainer]:
    """The same ones, another one first in each round."""
    first = at % len(trainers)
    return [*trainers[first:], *trainers[:first]]


def ratio(faster: Trainer, slower: Trainer) -> float:
    """How many times as fast, median over the rounds that both were timed in."""
    pairs = zip(faster.seconds, slower.seconds, strict=False)
    return statistics.median(theirs / ours for ours, theirs in pairs)


def best_of(trainers: Sequence[Trainer], *words: str) -> Trainer:
    """The fastest whose name has all the words."""
    found = [t for t in trainers if all(word in t.mode.name for word in words)]
    return min(found, key=lambda t: statistics.median(t.seconds))


def by_name(trainers: Sequence[Trainer], name: str) -> Trainer:
    """The trainer of a mode."""
    return next(t for t in trainers if t.mode.name == name)


def utilisation(shape: Shape, trainer: Trainer, trainers: Sequence[Trainer]) -> float:
    """Share of the ceiling of its precision, measured in the same rounds."""
    ceiling = by_name(trainers, f"ceiling {trainer.mode.machine['dtype']}")
    flops = estimate_training_flops(shape.model) * shape.tokens_per_step
    pairs = zip(trainer.seconds, ceiling.flops_per_s, strict=False)
    return statistics.median(flops / seconds / limit for seconds, limit in pairs)


def loss_difference(one: Trainer, other: Trainer) -> float:
    """Largest difference of the losses of all steps that both took."""
    pairs = zip(one.losses, other.losses, strict=False)
    return max(abs(a - b) for a, b in pairs)
