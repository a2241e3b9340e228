"""Before a run starts: the disk and the memory that it will need, and what is there."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.base.units import format_bytes
from scratchlm.model.config import ModelConfig
from scratchlm.plan.memory import estimate_training_memory

PROCESS_BYTES = 700_000_000
"""What Python, torch and its kernels hold before a model is built."""
CORPUS_MEMORY_PER_BYTE = 12.0
"""Working memory of the corpus stage per byte of text."""
CORPUS_DISK_PER_BYTE = 3.0
"""Corpus, conversations and shards per byte of text."""


@dataclass(frozen=True)
class Needs:
    """What a run needs at most."""

    disk_bytes: int
    memory_bytes: int


def estimate_text_needs(text_bytes: int) -> Needs:
    """What collecting and preparing so much text needs."""
    return Needs(
        disk_bytes=int(CORPUS_DISK_PER_BYTE * text_bytes),
        memory_bytes=PROCESS_BYTES // 2 + int(CORPUS_MEMORY_PER_BYTE * text_bytes),
    )


def estimate_training_needs(
    model: ModelConfig, machine: MachineConfig, micro_batch_size: int, checkpoints: int
) -> Needs:
    """What training a model needs.

    Args:
        model: its shape.
        machine: device and precision.
        micro_batch_size: rows that are worked on at once.
        checkpoints: how many are kept; one more exists while it is written.
    """
    memory = estimate_training_memory(
        model,
        micro_batch_size=micro_batch_size,
        dtype=machine.dtype,
        attention=machine.attention,
        device_type=machine.device,
    )
    weights = 4 * model.n_parameters
    # base, SFT, DPO, quantised, Hugging Face, GGUF and own weights
    models = 7 * weights
    # weights and two moments in each checkpoint, of the three training stages
    kept = 3 * (checkpoints + 1) * 3 * weights
    return Needs(
        disk_bytes=models + kept,
        memory_bytes=PROCESS_BYTES + memory.total_bytes,
    )


def check_needs(needs: Needs, directory: Path, device: str = "cpu") -> None:
    """Compare what is needed with what is there.

    Raises:
        UserError: disk or memory are too small; the message says by how much.
    """
    free = shutil.disk_usage(_existing(directory)).free
    if needs.disk_bytes > free:
        raise UserError(
            f"this run needs about {format_bytes(needs.disk_bytes)} of disk and "
            f"{format_bytes(free)} are free at {directory}; free some space or choose "
            "another --runs-dir"
        )
    if device != "cpu":
        return
    available = available_memory_bytes()
    if needs.memory_bytes > available:
        raise UserError(
            f"this run needs about {format_bytes(needs.memory_bytes)} of memory and "
            f"{format_bytes(available)} are available; close other programs, give "
            "less --text, or choose a smaller model (--depth, fewer --minutes)"
        )


def available_memory_bytes() -> int:
    """Memory that a new process can have; a container's limit counts."""
    import psutil

    available = int(psutil.virtual_memory().available)
    limit, used = _read_limit("memory.max"), _read_limit("memory.current")
    if limit is not None and used is not None:
        available = min(available, limit - used)
    return available


def _read_limit(name: str) -> int | None:
    """A figure of this process's control group (version 2), if it has one."""
    path = Path("/sys/fs/cgroup") / name
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _existing(path: Path) -> Path:
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path
