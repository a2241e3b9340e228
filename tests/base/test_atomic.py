import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scratchlm.base.atomic import (
    atomic_directory,
    atomic_path,
    read_json,
    remove_leftovers,
    write_bytes,
    write_json,
    write_text,
)
from scratchlm.base.errors import UserError

WRITER = """
import itertools, sys
from pathlib import Path
from scratchlm.base.atomic import atomic_directory, write_bytes
root = Path(sys.argv[1])
for i in itertools.count():
    write_bytes(root / "file", bytes([i % 256]) * 3_000_000)
    with atomic_directory(root / "folder") as folder:
        for name in "abc":
            (folder / name).write_bytes(bytes([i % 256]) * 1_000_000)
    print(i, flush=True)
"""


def entries(directory):
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX")
def test_a_killed_process_leaves_the_old_content_or_the_new(tmp_path):
    for attempt in range(4):
        command = [sys.executable, "-c", WRITER, str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        process.stdout.readline()  # one round is whole
        time.sleep(0.013 * attempt)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        content = (tmp_path / "file").read_bytes()
        assert len(content) == 3_000_000 and len(set(content)) == 1
        found = list((tmp_path / "folder").glob("*"))
        if found:  # between moving the old folder aside and the new one in: none
            contents = {path.read_bytes() for path in found}
            assert len(found) == 3 and len(contents) == 1
    remove_leftovers(tmp_path)
    assert set(entries(tmp_path)) <= {"file", "folder"}


def test_a_failed_block_changes_nothing(tmp_path):
    write_text(tmp_path / "file", "old")
    (tmp_path / "folder").mkdir()
    write_text(tmp_path / "folder" / "inside", "old")
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "file") as path:
        path.write_text("half")
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), atomic_directory(tmp_path / "folder") as new:
        (new / "inside").write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "file").read_text() == "old"
    assert (tmp_path / "folder" / "inside").read_text() == "old"
    assert entries(tmp_path) == ["file", "folder"]


def test_nothing_is_seen_before_the_block_ends(tmp_path):
    with atomic_path(tmp_path / "file") as path:
        path.write_text("new")
        assert not (tmp_path / "file").exists()
    assert (tmp_path / "file").read_text() == "new"


def test_a_directory_replaces_the_one_before_it(tmp_path):
    for content in ("old", "new"):
        with atomic_directory(tmp_path / "folder") as folder:
            (folder / content).write_text(content)
    assert entries(tmp_path) == ["folder"]
    assert entries(tmp_path / "folder") == ["new"]


def test_missing_parents_are_made(tmp_path):
    write_bytes(tmp_path / "a" / "b" / "file", b"x")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"x"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["fsync", "write"])
def test_a_full_disk_is_said_and_the_old_content_stays(
    tmp_path, monkeypatch, code, call
):
    write_text(tmp_path / "file", "old")

    def fail(*arguments):
        raise OSError(code, os.strerror(code))

    if call == "fsync":
        monkeypatch.setattr("os.fsync", fail)
    else:
        monkeypatch.setattr("pathlib.Path.write_bytes", fail)
    with pytest.raises(UserError, match=r"disk is full while writing .*/file; free"):
        write_bytes(tmp_path / "file", b"new")
    with (
        pytest.raises(UserError, match="disk is full"),
        atomic_directory(tmp_path / "folder") as folder,
    ):
        (folder / "inside").write_bytes(b"new")
    monkeypatch.undo()
    assert (tmp_path / "file").read_text() == "old"
    assert entries(tmp_path) == ["file"]


def test_another_error_stays_what_it_is(tmp_path):
    with pytest.raises(PermissionError), atomic_path(tmp_path / "file"):
        raise PermissionError(errno.EACCES, "not yours")


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="the system has no /dev/full"
)
def test_a_disk_that_is_really_full_is_said(tmp_path):
    with (
        pytest.raises(UserError, match="disk is full"),
        atomic_path(tmp_path / "file") as path,
    ):
        path.symlink_to("/dev/full")
        path.write_bytes(b"x")
    assert entries(tmp_path) == []


def test_json_is_for_people_and_comes_back(tmp_path):
    value = {"ä": [1, 2.5, None, True], "b": {"c": "d"}}
    write_json(tmp_path / "value.json", value)
    text = (tmp_path / "value.json").read_text("utf-8")
    assert '"ä": [' in text and text.endswith("}\n")
    assert read_json(tmp_path / "value.json") == value == json.loads(text)


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe\x00", b"{}}"])
def test_json_that_is_no_json_is_refused(tmp_path, content):
    path = tmp_path / "value.json"
    path.write_bytes(content)
    with pytest.raises(
        UserError, match=r"value\.json is not readable as JSON .*delete"
    ):
        read_json(path)


def test_json_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"value\.json does not exist"):
        read_json(tmp_path / "value.json")


def test_leftovers_go_and_everything_else_stays(tmp_path):
    left = tmp_path / "a" / ".folder.tmp-17"
    left.mkdir(parents=True)
    (left / "inside").write_text("half")
    (tmp_path / "a" / ".file.tmp-17").write_text("half")
    (tmp_path / "a" / "file.tmp").write_text("somebody's")
    remove_leftovers(tmp_path)
    assert entries(tmp_path / "a") == ["file.tmp"]


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    for make in (
        lambda: write_text(tmp_path / "file" / "below", "x"),
        lambda: atomic_directory(tmp_path / "file" / "below").__enter__(),
    ):
        with pytest.raises(UserError, match=r"below cannot be written .*choose"):
            make()
    assert (tmp_path / "file").read_text() == "x"


def test_what_cannot_be_read_meanwhile_is_not_blamed_on_the_target(tmp_path):
    with (
        pytest.raises(NotADirectoryError),
        atomic_directory(tmp_path / "a" / "target"),
    ):
        (tmp_path / "input").write_text("x")
        (tmp_path / "input" / "part").read_text()


def test_a_place_in_a_folder_that_cannot_be_made_is_said_in_one_line():
    if not Path("/proc/self").exists():
        pytest.skip("there is no place here where no folder can be made")
    for make in (
        lambda: write_text(Path("/proc/nowhere/below"), "x"),
        lambda: atomic_directory(Path("/proc/nowhere/below")).__enter__(),
    ):
        with pytest.raises(UserError, match=r"below cannot be written .*choose"):
            make()
