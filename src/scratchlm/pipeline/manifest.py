"""The manifest: what a run was made of. Inputs by hash, code, packages, machine, seeds.

It holds no times; with the resolved recipe it is what somebody else needs to repeat
the run, and to see why theirs may differ.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from scratchlm import __version__
from scratchlm.base.device import available_threads

PACKAGES = (
    "charset-normalizer",
    "gguf",
    "numpy",
    "pyarrow",
    "pydantic",
    "safetensors",
    "torch",
    "trafilatura",
    "zstandard",
)


def build_manifest(
    recipe: Mapping[str, Any], inputs: Mapping[str, str], command: str
) -> dict[str, Any]:
    """Describe a run.

    Args:
        recipe: the resolved recipe as JSON values.
        inputs: content hash of each input file, by name.
        command: the command line that started the run.
    """
    return {
        "scratchlm": __version__,
        "commit": find_commit(Path(__file__).parent),
        "command": command,
        "inputs": dict(inputs),
        "seeds": collect_seeds(recipe),
        "python": platform.python_version(),
        "packages": {name: _package_version(name) for name in PACKAGES},
        "machine": describe_machine(),
    }


def describe_machine() -> dict[str, Any]:
    """Processor, cores, memory and system of this machine."""
    import psutil

    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cpu": cpu_name(),
        "cores": available_threads(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
    }


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    if sys.platform == "linux":
        info = Path("/proc/cpuinfo")
        lines = info.read_text(errors="replace").splitlines() if info.exists() else []
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"


def find_commit(directory: Path) -> str | None:
    """The git commit that the code was taken from, with "+changes" where edited."""
    commit = _git(directory, "rev-parse", "HEAD")
    if commit is None or _git(directory, "ls-files", ".") in (None, ""):
        return None  # a repository around an installed copy says nothing about it
    return commit + (
        "+changes" if _git(directory, "status", "--porcelain", ".") else ""
    )


def collect_seeds(recipe: Mapping[str, Any]) -> dict[str, int]:
    """Every seed of a recipe, by its dotted key."""
    seeds: dict[str, int] = {}
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            seeds |= {f"{key}.{k}": v for k, v in collect_seeds(value).items()}
        elif key == "seed":
            seeds[key] = value
    return seeds


def _git(directory: Path, *arguments: str) -> str | None:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _package_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
