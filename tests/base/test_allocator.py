import platform
import subprocess
import sys

import pytest

CODE = """
import sys
from scratchlm.base import allocator
tuned = getattr(allocator, sys.argv[1])()
data = [bytes(2_000_000) for _ in range(20)]
print(tuned, sum(map(len, data)))
"""


@pytest.mark.parametrize("how", ["tune_allocator", "give_back_blocks"])
def test_a_process_lives_on_with_a_tuned_allocator(how):
    command = [sys.executable, "-c", CODE, how]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    has_glibc = platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"
    assert done.stdout.split() == [str(has_glibc), "40000000"]
