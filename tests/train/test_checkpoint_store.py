import shutil
import subprocess
import sys
import threading

import pytest
import torch

from scratchlm.base.errors import UserError
from scratchlm.base.progress import Silent
from scratchlm.train.checkpoint_files import Checkpoint, read_checkpoint
from scratchlm.train.checkpoint_folders import list_folders
from scratchlm.train.checkpoint_policy import CheckpointPolicy
from scratchlm.train.checkpoint_store import CheckpointStore, check_fit
from scratchlm.train.identity import Identity

IN_TURN = CheckpointPolicy(asynchronous=False)
ME = Identity({"train": {"lr": 1.0}})
OTHER = Identity({"train": {"lr": 2.0}})


class Notes(Silent):
    def __init__(self):
        super().__init__()
        self.lines = []

    def note(self, text):
        self.lines.append(text)


def at_step(step):
    weights = {"w": torch.full((2, 3), float(step))}
    return Checkpoint(step, {"weights": weights}, {"loss": step / 3})


def save_all(directory, *steps, policy=IN_TURN, identity=None, metrics=None):
    with CheckpointStore(directory, policy, identity) as store:
        for step in steps:
            store.save(at_step(step), (metrics or {}).get(step))


def load(directory, identity=None, **options):
    with CheckpointStore(directory, IN_TURN, identity, **options) as store:
        found = store.load_newest()
    return found and found.step


def steps_in(directory):
    return [int(path.name[5:]) for path in list_folders(directory)]


@pytest.fixture
def three(tmp_path):
    save_all(tmp_path, 5, 10, 15, policy=CheckpointPolicy(keep_last=3))
    return tmp_path


@pytest.mark.parametrize("asynchronous", [False, True])
def test_what_is_saved_is_what_is_found(tmp_path, asynchronous):
    policy = CheckpointPolicy(asynchronous=asynchronous)
    with CheckpointStore(tmp_path, policy) as store:
        assert store.load_newest() is None and store.newest_step() is None
        store.save(at_step(7))
        found = store.load_newest()
        assert store.newest_step() == found.step == 7
        assert found.state == {"loss": 7 / 3}
        assert torch.equal(found.tensors["weights"]["w"], torch.full((2, 3), 7.0))


def test_what_is_saved_is_the_moment_of_saving(tmp_path):
    """Training goes on while the copy is on its way; the next copy waits for it."""
    weights = torch.zeros(64, 64)
    state = {"window": [0]}
    policy = CheckpointPolicy(keep_last=9)
    with CheckpointStore(tmp_path, policy) as store:
        for step in range(9):
            store.save(Checkpoint(step, {"weights": {"w": weights}}, state))
            weights += 1
            state["window"].append(step)
    for path in list_folders(tmp_path):
        found, _ = read_checkpoint(path)
        assert found.tensors["weights"]["w"].unique().tolist() == [found.step]
        assert len(found.state["window"]) == found.step + 1


def test_a_checkpoint_on_its_way_counts_as_the_newest(tmp_path):
    """Whether a run can go back must not depend on how fast the disk is."""
    large = Checkpoint(3, {"weights": {"w": torch.zeros(1_000_000)}})
    with CheckpointStore(tmp_path, CheckpointPolicy()) as store:
        store.save(large)
        assert store.newest_step() == 3
        store.wait()
        assert store.newest_step() == 3


def test_a_tensor_that_grows_is_saved_as_it_is(tmp_path):
    for tensor in (torch.ones(2), torch.ones(5), torch.ones(5).bfloat16()):
        with CheckpointStore(tmp_path, IN_TURN) as store:
            store.save(Checkpoint(1, {"weights": {"w": torch.zeros(2)}}))
            store.save(Checkpoint(2, {"weights": {"w": tensor}}))
            assert torch.equal(store.load_newest().tensors["weights"]["w"], tensor)


def test_a_save_that_ends_in_good_order_ends_on_the_disk(tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        CheckpointStore(tmp_path, CheckpointPolicy()) as store,
    ):
        store.save(at_step(3))
        raise KeyboardInterrupt
    assert load(tmp_path) == 3
    assert not [t for t in threading.enumerate() if t.name == "checkpoint"]


def test_the_last_the_best_and_every_nth_stay(tmp_path):
    policy = CheckpointPolicy(keep_every_steps=4, asynchronous=False)
    metrics = {2: 1.0, 3: 0.5, 5: 0.7}
    save_all(tmp_path, *range(1, 11), policy=policy, metrics=metrics)
    assert steps_in(tmp_path) == [3, 4, 8, 9, 10]


def test_best_is_remembered_by_the_next_process(tmp_path):
    save_all(tmp_path, 1, 2, 3, metrics={1: 0.5, 2: 0.7})
    save_all(tmp_path, 4, 5, metrics={4: 0.6})
    assert steps_in(tmp_path) == [1, 4, 5]


@pytest.mark.parametrize("file", ["weights.safetensors", "state.json", "SHA256SUMS"])
def test_a_damaged_newest_is_passed_over_and_said(three, file):
    (three / "step_000015" / file).write_bytes(b"?")
    notes = Notes()
    assert load(three, progress=notes) == 10
    assert len(notes.lines) == 1 and "step_000015 is damaged" in notes.lines[0]


def test_a_damaged_one_does_not_count_among_those_that_are_kept(three):
    (three / "step_000015" / "state.json").write_bytes(b"?")
    with CheckpointStore(three, IN_TURN) as store:
        assert store.load_newest().step == 10
        store.save(at_step(12))
        assert steps_in(three) == [10, 12]


def test_where_none_is_whole_nothing_is_begun_anew_unasked(three):
    for path in list_folders(three):
        (path / "state.json").write_bytes(b"{")
    with pytest.raises(UserError, match=r"no checkpoint .* whole .* --restart"):
        load(three)
    assert steps_in(three) == [5, 10, 15]
    assert load(three, on_change="restart") is None
    assert steps_in(three) == []


def test_what_a_killed_process_left_behind_goes(three):
    left = three / ".step_000020.tmp-123"
    left.mkdir()
    (left / "weights.safetensors").write_bytes(b"half")
    assert load(three) == 15
    assert not left.exists()


def test_going_back_abandons_the_future(three):
    """After a rollback to step 10, what was saved at 15 belongs to another run."""
    shutil.rmtree(three / "step_000015")
    with CheckpointStore(three, IN_TURN) as store:
        store.load_newest()
        save_all(three / "elsewhere", 99)
        shutil.copytree(three / "elsewhere/step_000099", three / "step_000099")
        store.save(at_step(11))
    assert steps_in(three) == [10, 11]


def test_a_changed_identity_is_refused_with_the_difference(tmp_path):
    save_all(tmp_path, 5, identity=ME)
    assert load(tmp_path, ME) == 5
    with pytest.raises(UserError, match=r"step_000005 .* train\.lr 1\.0 → 2\.0"):
        load(tmp_path, OTHER)
    assert load(tmp_path, ME) == 5


def test_an_accepted_change_is_said_and_stays_on_record(tmp_path):
    save_all(tmp_path, 5, identity=ME)
    notes = Notes()
    with CheckpointStore(
        tmp_path, IN_TURN, OTHER, on_change="accept", progress=notes
    ) as store:
        assert store.load_newest().step == 5
        store.save(at_step(6))
        assert store.load_newest().step == 6
    assert len(notes.lines) == 1 and "no longer promised" in notes.lines[0]
    assert load(tmp_path, OTHER) == 6
    _, stamp = read_checkpoint(tmp_path / "step_000006")
    assert stamp.history == ("step 5: train.lr 1.0 → 2.0",)


def test_a_restart_forgets_once(tmp_path):
    save_all(tmp_path, 5, identity=ME)
    with CheckpointStore(tmp_path, IN_TURN, OTHER, on_change="restart") as store:
        assert store.load_newest() is None
        store.save(at_step(1))
        assert store.load_newest().step == 1, "a rollback within the new run"


def test_two_processes_do_not_share_a_run(tmp_path):
    with CheckpointStore(tmp_path, IN_TURN) as store:
        store.save(at_step(1))
        with CheckpointStore(tmp_path, IN_TURN) as second:
            for use in (second.load_newest, lambda: second.save(at_step(2))):
                with pytest.raises(UserError, match="another process"):
                    use()
    assert steps_in(tmp_path) == [1]


def test_a_write_that_failed_is_raised_by_the_next_call(tmp_path):
    with CheckpointStore(tmp_path / "c", CheckpointPolicy()) as store:
        store.save(at_step(1))
        store.wait()
        shutil.rmtree(tmp_path / "c")
        (tmp_path / "c").write_text("no folder any more")
        store.save(at_step(2))
        with pytest.raises(UserError, match="cannot be written"):
            store.wait()
        store.check()  # said once


FILL = """
import os, sys, time
from pathlib import Path
import torch
from scratchlm.train.checkpoint_files import Checkpoint
from scratchlm.train.checkpoint_policy import CheckpointPolicy
from scratchlm.train.checkpoint_store import CheckpointStore

directory = Path(sys.argv[1])
with CheckpointStore(directory, CheckpointPolicy()) as store:
    try:
        for step in range(1, 4):
            size = 1000 if step < 3 else 300_000
            store.save(Checkpoint(step, {"weights": {"w": torch.ones(size)}}))
            store.wait()
    except Exception as error:
        print(type(error).__name__, error)
with CheckpointStore(directory, CheckpointPolicy()) as store:
    print(store.load_newest().step)
    store.save(Checkpoint(4, {"weights": {"w": torch.ones(10)}}))
    print(store.load_newest().step, sorted(os.listdir(directory)))
"""


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs a small disk")
def test_a_full_disk_costs_one_checkpoint_and_no_other(tmp_path):
    """On a file system of one megabyte: one line, and the run goes on from before."""
    mount = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'
    inside = [sys.executable, "-c", FILL, str(tmp_path / "run")]
    command = ["unshare", "-rm", "sh", "-c", mount, str(tmp_path), *inside]
    done = subprocess.run(command, capture_output=True, text=True)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("this system lets nobody mount a small disk")
    said, before, after = done.stdout.splitlines()
    assert said.startswith("UserError the disk is full while writing")
    assert before == "2"
    assert after == "4 ['run.lock', 'step_000002', 'step_000004']"


def test_a_checkpoint_of_other_shapes_is_refused_in_one_line():
    saved = {"a": torch.zeros(2, 3), "b": torch.zeros(4)}
    check_fit(saved, {"a": torch.ones(2, 3)}, "weight")
    with pytest.raises(UserError, match=r"weight a is \(2, 3\), and \(3, 3\) is"):
        check_fit(saved, {"a": torch.ones(3, 3)}, "weight")
    with pytest.raises(UserError, match="state c is missing"):
        check_fit(saved, {"c": torch.ones(1)}, "state")
