"""Laws of a run's directory: one process at a time, names that are folders."""

import subprocess
import sys

import pytest

from scratchlm.base.errors import UserError
from scratchlm.pipeline.run_directory import (
    find_run,
    list_runs,
    mend_last_line,
    open_run,
)

HOLD = """
import sys, pathlib
from scratchlm.pipeline.run_directory import RunDirectory
with RunDirectory(pathlib.Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock of run `mine`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "mine")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_told_in_one_line_that_the_run_is_in_use(tmp_path, holder):
    run = open_run(tmp_path, "mine")
    assert run.is_locked()
    in_use = pytest.raises(UserError, match=r"another process is working in .*mine")
    with in_use, run.locked():
        pass


def test_a_killed_process_leaves_no_lock(tmp_path, holder):
    run = open_run(tmp_path, "mine")
    holder.kill()
    holder.wait()
    assert not run.is_locked()
    with run.locked():
        pass


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "-x", "a" * 101, "ä"])
def test_a_name_that_is_no_plain_folder_name_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="cannot name a run"):
        open_run(tmp_path, name)


def test_a_run_that_does_not_exist_is_answered_with_those_that_do(tmp_path):
    for name in ("one", "two"):
        run = open_run(tmp_path, name)
        run.path.mkdir()
        run.request_path.write_text("{}")
    (tmp_path / "not-a-run").mkdir()
    assert [run.name for run in list_runs(tmp_path)] == ["one", "two"]
    with pytest.raises(UserError, match="there are: one, two"):
        find_run(tmp_path, "three")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": 1}\n{"b"', '{"a": 1}\n'),
        ('{"a": 1}\n', '{"a": 1}\n'),
        ('{"a"', ""),
        ("", ""),
    ],
)
def test_a_half_written_last_line_is_cut_off(tmp_path, before, after):
    path = tmp_path / "metrics.jsonl"
    path.write_text(before)
    mend_last_line(path)
    assert path.read_text() == after
