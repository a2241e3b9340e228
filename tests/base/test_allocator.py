import platform
import subprocess
import sys

CODE = """
from scratchlm.base.allocator import tune_allocator
tuned = tune_allocator()
data = [bytes(2_000_000) for _ in range(20)]
print(tuned, sum(map(len, data)))
"""


def test_a_process_lives_on_with_a_tuned_allocator():
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
    )
    has_glibc = platform.system() == "Linux" and platform.libc_ver()[0] == "glibc"
    assert done.stdout.split() == [str(has_glibc), "40000000"]
