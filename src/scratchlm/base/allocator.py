"""The C library's allocator, told to keep large blocks, or never to.

Training on a CPU reuses the same activations at each step, and glibc gives pages back
in between: a process that trains keeps them. A process that reads text within a
memory gives every block back at once; glibc would learn from the first large blocks
that are freed to keep later ones.

Called by the command line and by workers, never on import: it changes the whole
process.
"""

import ctypes
import platform

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_MMAP_MAX = -4
LARGEST = 2**31 - 1
SMALLEST_MAPPED = 2**18


def tune_allocator() -> bool:
    """Ask glibc to keep freed memory; False where that is not possible."""
    return _set((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, LARGEST))


def give_back_blocks() -> bool:
    """Ask glibc to return freed blocks of 256 kB; False where that is not possible."""
    return _set((M_MMAP_THRESHOLD, SMALLEST_MAPPED))


def _set(*settings: tuple[int, int]) -> bool:
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # mallopt returns 1 on success; a refused setting leaves the default in place.
    return all(mallopt(key, value) == 1 for key, value in settings)
