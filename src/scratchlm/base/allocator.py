"""The C library's allocator, told to keep large blocks: training on a CPU reuses
the same activations at each step, and glibc gives pages back in between.

Only for a process that trains (the command line calls it before torch is imported),
never on import: it changes the whole process.
"""

import ctypes
import platform

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_MMAP_MAX = -4
LARGEST = 2**31 - 1


def tune_allocator() -> bool:
    """Ask glibc to keep freed memory; False where that is not possible."""
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, LARGEST))
    # mallopt returns 1 on success; a refused setting leaves the default in place.
    return all(mallopt(key, value) == 1 for key, value in settings)
