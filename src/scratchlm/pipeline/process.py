"""What must be set in a process that trains, before torch is imported."""

from __future__ import annotations

import os
import sys

from scratchlm.base.allocator import tune_allocator
from scratchlm.base.device import available_threads

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def prepare_process() -> None:
    """Tune the allocator and the number of threads of this process.

    For the command line: it changes the whole process, so no library function calls
    it. A number of threads that the environment sets is respected.
    """
    if "torch" in sys.modules:
        return  # too late: torch has read them
    tune_allocator()
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, str(wanted_threads()))


def wanted_threads() -> int:
    """Threads for torch: `$OMP_NUM_THREADS`, or one for each physical core."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) > 0 else available_threads()
