"""The processor: its name, and the instructions that decide the bits of a sum.

Which vector units a processor has decides which kernels torch takes, and so the order
in which products are added. Imports no torch.
"""

from __future__ import annotations

import platform
import re
import sys
from pathlib import Path

ARITHMETIC = re.compile(
    r"(avx|fma|f16c|sse|amx|asimd|neon|sve|bf16|i8mm|fphp)[a-z0-9_]*"
)
"""Flags of floating-point units; a kernel that reports other flags changes nothing."""


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    found = _read_field("model name")
    return found or platform.processor() or platform.machine() or "unknown"


def instruction_sets() -> list[str]:
    """Names of the vector instructions, sorted; empty where the system hides them."""
    flags = (_read_field("flags") or _read_field("Features") or "").split()
    return sorted(flag for flag in set(flags) if ARITHMETIC.fullmatch(flag))


def _read_field(name: str) -> str | None:
    """A line of the first processor in Linux's table."""
    info = Path("/proc/cpuinfo")
    if sys.platform != "linux" or not info.exists():
        return None
    for line in info.read_text(errors="replace").splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return None
