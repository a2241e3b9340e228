"""An interrupted training whose conditions changed, from the command line."""

import shutil
import time

import pytest

from scratchlm.base.lock import DirectoryLock
from scratchlm.cli.entry import run_command
from scratchlm.train.checkpoint_files import read_checkpoint
from scratchlm.train.checkpoint_folders import list_folders

SAVES_OFTEN = ("train.checkpoint_every_steps=1", "train.total_steps=100")


@pytest.fixture
def interrupted(journeys, undisturbed, tmp_path, capsys):
    """`train` on the finished run, killed at a checkpoint; calls it again."""
    words = ["train", "undisturbed", "--out", str(tmp_path / "out"), *SAVES_OFTEN]
    words += ["--runs-dir", str(undisturbed.parent)]
    out = tmp_path / "out"
    while not list_folders(out / "checkpoints"):  # a slow test may find it at its end
        shutil.rmtree(out, ignore_errors=True)
        process = journeys.start_words(words)
        while process.is_alive() and not list_folders(out / "checkpoints"):
            time.sleep(0.002)
        process.kill()
        process.join()
    capsys.readouterr()

    def again(*more):
        status = run_command([*words, *more])
        said = capsys.readouterr()
        return status, said.out, said.err

    again.out, again.checkpoints = out, out / "checkpoints"
    again.words = words
    return again


def test_a_changed_setting_is_refused_with_the_difference_and_harms_nothing(
    interrupted,
):
    before = [path.name for path in list_folders(interrupted.checkpoints)]
    status, _, err = interrupted("train.matrix_lr=0.5", "train.seed=3")
    assert status == 2 and err.count("\n") == 1
    for part in ("train.matrix_lr", "→ 0.5", "train.seed", "--accept-changes"):
        assert part in err
    assert [path.name for path in list_folders(interrupted.checkpoints)] == before


def test_an_accepted_change_goes_on_and_is_on_record(interrupted):
    stood = int(list_folders(interrupted.checkpoints)[-1].name[5:])
    changes = ("train.matrix_lr=0.5", "train.checkpoint_every_steps=7")
    status, _, err = interrupted(*changes, "--accept-changes", "train.total_steps=101")
    assert status == 0
    assert "no longer promised: that running this recipe again" in err
    assert f"resuming at step {stood}" in err


def test_a_restart_begins_anew(interrupted):
    status, _, err = interrupted("train.matrix_lr=0.5", "--restart")
    assert status == 0 and "resuming" not in err


def test_another_torch_is_refused_by_the_checkpoint_itself(interrupted, monkeypatch):
    from scratchlm.train import identity

    monkeypatch.setattr(identity, "version", lambda name: f"{name} 99")
    status, _, err = interrupted()
    assert status == 2 and "packages.torch" in err and "→ torch 99" in err
    assert "last bits" in err


def test_settings_that_change_no_bit_may_change(interrupted):
    status, _, err = interrupted(
        "train.checkpoint_every_steps=50", "train.checkpoints.keep_last=1"
    )
    assert status == 0 and "resuming at step" in err


def test_the_second_process_on_one_folder_is_refused(interrupted):
    with DirectoryLock(interrupted.out):
        status, _, err = interrupted()
    assert status == 2 and "another process is working in" in err


def test_every_checkpoint_of_a_stage_can_be_read_alone(interrupted):
    for path in list_folders(interrupted.checkpoints):
        checkpoint, stamp = read_checkpoint(path)
        assert checkpoint.tensors["weights"] and stamp.identity["model"]["n_layers"]
