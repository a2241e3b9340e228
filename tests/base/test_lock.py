import subprocess
import sys

import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.lock import DirectoryLock

HOLD = """
import sys
from pathlib import Path
from scratchlm.base.lock import DirectoryLock
lock = DirectoryLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_until_the_first_was_killed(tmp_path, holder):
    with pytest.raises(UserError, match=r"another process .*run\.lock"):
        DirectoryLock(tmp_path).acquire()
    holder.kill()
    holder.wait()
    with DirectoryLock(tmp_path) as lock:
        lock.acquire()  # what is held is held


def test_a_lock_that_was_let_go_can_be_taken(tmp_path):
    for _ in range(2):
        with (
            DirectoryLock(tmp_path / "new"),
            pytest.raises(UserError, match="another process"),
        ):
            DirectoryLock(tmp_path / "new").acquire()
