"""What must be set in a process that trains, before torch is imported."""

from __future__ import annotations

import os
import sys

from scratchlm.base.allocator import tune_allocator
from scratchlm.base.device import available_threads
from scratchlm.pipeline.manifest import cpu_name

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
    # MKL may share work among threads as they come, and so round differently from run
    # to run; this asks for the same bits each time (Intel's name for it: CNR). Other
    # makers' processors would be sent through its slowest path: not there.
    os.environ.setdefault("MKL_DYNAMIC", "FALSE")
    if "intel" in cpu_name().lower():
        os.environ.setdefault("MKL_CBWR", "AUTO")


def wanted_threads() -> int:
    """Threads for torch: `$OMP_NUM_THREADS`, or one for each physical core."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) > 0 else available_threads()
