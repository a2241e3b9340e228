"""Checkpoints: weights, optimizer, random state and position, atomic and checksummed.

`checkpoints/step_000500/` holds `weights.safetensors`, `optimizer.safetensors` and
`state.json`; the last two are kept. A damaged one is passed over for its predecessor.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from scratchlm.base.atomic import atomic_directory, read_json, remove_leftovers
from scratchlm.base.atomic import write_json as write_json_file
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_file

KEPT = 2
FILES = ("weights.safetensors", "optimizer.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """What a run needs to go on: `step` optimizer steps are done."""

    step: int
    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    extra: dict[str, Any]


def save_checkpoint(directory: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint and delete all but the last ones."""
    path = directory / f"step_{checkpoint.step:06d}"
    random_state = {"torch_random_state": torch.get_rng_state()}
    tensors = (checkpoint.weights, {**checkpoint.optimizer, **random_state})
    with atomic_directory(path) as temporary:
        for name, content in zip(FILES, tensors, strict=True):
            save_file({k: v.contiguous() for k, v in content.items()}, temporary / name)
        state = {
            "step": checkpoint.step,
            "sha256": {name: sha256_file(temporary / name) for name in FILES},
            "extra": checkpoint.extra,
        }
        write_json_file(temporary / "state.json", state)
    for old in list_checkpoints(directory)[:-KEPT]:
        shutil.rmtree(old)
    return path


def load_latest(directory: Path) -> Checkpoint | None:
    """Load the newest checkpoint that is whole, and restore torch's random state."""
    if directory.exists():
        remove_leftovers(directory)
    for path in reversed(list_checkpoints(directory)):
        checkpoint = _load(path)
        if checkpoint is not None:
            return checkpoint
    return None


def list_checkpoints(directory: Path) -> list[Path]:
    """Find the checkpoints of a directory, oldest first."""
    return sorted(directory.glob("step_*")) if directory.is_dir() else []


def _load(path: Path) -> Checkpoint | None:
    try:
        state = read_json(path / "state.json")
    except UserError:
        return None
    for name in FILES:
        file = path / name
        if not file.exists() or sha256_file(file) != state["sha256"][name]:
            return None
    weights, optimizer = (load_file(path / name) for name in FILES)
    torch.set_rng_state(optimizer.pop("torch_random_state"))
    return Checkpoint(state["step"], weights, optimizer, state["extra"])
