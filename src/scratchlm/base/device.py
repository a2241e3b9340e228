"""Device, precision, threads and seeds. Torch is imported inside the functions."""

import os
import random
from typing import TYPE_CHECKING

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig

if TYPE_CHECKING:
    import torch


def apply_machine(machine: MachineConfig) -> "torch.device":
    """Set threads and determinism for this process; return the device.

    Raises:
        UserError: the recipe names a device that this machine lacks.
    """
    import torch

    torch.set_num_threads(machine.threads)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    if machine.device.startswith("cuda"):
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        if not torch.cuda.is_available():
            raise UserError(
                "the recipe wants an NVIDIA GPU (machine.device = cuda) and torch "
                "sees none; set machine.device=cpu or see `scratchlm doctor`"
            )
    if machine.device == "mps" and not torch.backends.mps.is_available():
        raise UserError("torch sees no Apple GPU here; set machine.device=cpu")
    # the same switch as use_deterministic_algorithms, which takes 1.5 s of imports
    torch.set_deterministic_debug_mode("error" if machine.device == "cpu" else "warn")
    return torch.device(machine.device)


def seed_everything(seed: int) -> None:
    """Seed Python's and torch's global generators."""
    import torch

    random.seed(seed)
    torch.manual_seed(seed)


def available_threads() -> int:
    """Count the physical cores that this process may use, at least one."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    return max(1, min(physical, allowed or physical))
