"""The form of a result file: what was measured, where, on what, and what it claims.

Every benchmark builds a `Result`, adds raw runs and one claim for each figure that is
wanted, and writes `benchmarks/results/<script>.json`.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_text
from scratchlm.base.hashing import sha256_bytes

HERE = Path(__file__).parent
RESULTS = HERE / "results"
COMPARISONS = {
    "<": lambda value, goal: value < goal,
    "<=": lambda value, goal: value <= goal,
    ">": lambda value, goal: value > goal,
    ">=": lambda value, goal: value >= goal,
    "==": lambda value, goal: value == goal,
}


class Result:
    """Collects what a benchmark saw."""

    def __init__(self, benchmark: str, work: Mapping[str, Any]) -> None:
        self.benchmark = benchmark
        self.work = dict(work)
        self.runs: list[dict[str, Any]] = []
        self.claims: list[dict[str, Any]] = []

    def claim(self, name: str, goal: str, value: float | bool | None) -> None:
        """Hold a value against a goal such as ">= 10"; None was not measured."""
        sign, _, limit = goal.partition(" ")
        holds = None if value is None else COMPARISONS[sign](value, float(limit))
        shown = round(value, 6) if isinstance(value, float) else value
        self.claims.append(
            {"claim": name, "goal": goal, "value": shown, "holds": holds}
        )

    def absent(self, name: str, goal: str, why: str) -> None:
        """Say that a figure could not be measured, and why."""
        row = {"claim": name, "goal": goal, "value": None, "holds": None, "why": why}
        self.claims.append(row)

    def write(self, packages: Iterable[str] = ("torch", "numpy")) -> Path:
        """Write the result file and print its claims."""
        path = self.keep(packages)
        for claim in self.claims:
            verdict = {True: "holds", False: "FALLS SHORT", None: "not measured"}
            print(
                f"{verdict[claim['holds']]:>12}  {claim['claim']} = {claim['value']} "
                f"(goal {claim['goal']})"
            )
        return path

    def keep(self, packages: Iterable[str] = ("torch", "numpy")) -> Path:
        """Write the result file and say nothing."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.benchmark}.json"
        content = {
            "benchmark": self.benchmark,
            "commit": commit(),
            "date": time.strftime("%Y-%m-%d"),
            "machine": describe_machine(),
            "versions": {
                "python": platform.python_version(),
                **{name: importlib.metadata.version(name) for name in packages},
            },
            "work": self.work,
            "runs": self.runs,
            "claims": self.claims,
        }
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        return path


def changes() -> str:
    """Hash of what was changed since the commit, results left out."""
    command = ["git", "diff", "HEAD", "--", ".", ":!benchmarks/results"]
    done = subprocess.run(command, cwd=HERE.parent, capture_output=True)
    return sha256_bytes(done.stdout) if done.stdout else ""


def commit() -> str | None:
    """The checkout's commit, with a + if the tree but for results was changed."""
    name = ["git", "describe", "--always", "--abbrev=12"]
    changed = ["git", "diff", "--quiet", "HEAD", "--", ".", ":!benchmarks/results"]
    try:
        found = subprocess.run(
            name, cwd=HERE.parent, capture_output=True, text=True, check=True
        )
        is_changed = subprocess.run(changed, cwd=HERE.parent).returncode
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip() + ("+" if is_changed else "")


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory, GPU."""
    import psutil
    import torch

    from scratchlm.pipeline.manifest import cpu_name

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {
        "cpu": cpu_name(),
        "cores": psutil.cpu_count(logical=False),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": gpu,
    }
