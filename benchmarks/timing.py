"""How long a call takes, on the clock and on the processor."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    before, begun = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    wall_s = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall_s, cpu_s
