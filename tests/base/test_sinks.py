"""Laws of trackers. Each runs for real where it is installed."""

import sqlite3
import sys
from importlib.util import find_spec

import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.metrics import MetricsWriter, read_metrics
from scratchlm.base.sinks import TRACKERS, check_sinks, open_sinks


def write_rows(directory, *names):
    """Seven steps, the last two written a second time after a resume."""
    with MetricsWriter(directory / "metrics.jsonl", "train") as metrics:
        metrics.attach(*open_sinks(names, directory, run="tiny"))
        for step in range(1, 6):
            metrics.write(step, {"train/loss": 5.0 / step, "train/action": "skip"})
        metrics.drop_after(3)
        for step in range(4, 8):
            metrics.write(step, {"train/loss": 5.0 / step, "val/loss": float("nan")})


def test_an_unknown_tracker_is_refused_with_those_that_are_known():
    with pytest.raises(UserError, match=r"'mlflow'; known: tensorboard, wandb"):
        check_sinks(["mlflow"])


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_not_installed_is_refused_with_the_remedy(
    name, monkeypatch, tmp_path
):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, name, raising=False)
    sys.path_importer_cache.clear()
    with pytest.raises(UserError, match=rf"pip install 'scratchlm\[{name}\]'"):
        open_sinks([name], tmp_path, run="tiny")
    assert not list(tmp_path.iterdir())


def test_without_trackers_the_file_is_written_all_the_same(tmp_path):
    write_rows(tmp_path)
    rows = read_metrics(tmp_path / "metrics.jsonl")
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]


def test_tensorboard_reads_every_step_once(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write_rows(tmp_path, "tensorboard")
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert events.Tags()["scalars"] == ["train/loss"], "no words, nothing infinite"
    found = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert found == [(step, pytest.approx(5.0 / step)) for step in range(1, 8)]


def test_weights_and_biases_writes_here_and_sends_nothing(tmp_path, capfd):
    wandb = pytest.importorskip("wandb")
    write_rows(tmp_path, "wandb")
    wandb.teardown()  # its writer is a process of its own, that ends with ours
    [file] = (tmp_path / "wandb").rglob("*.wandb")
    assert b"train/loss" in file.read_bytes()
    assert capfd.readouterr() == ("", ""), "the terminal is the view's"


def test_trackio_fills_a_local_database(tmp_path, monkeypatch, capfd):
    if find_spec("trackio") is None:  # its folder is fixed when it is imported
        pytest.skip("trackio is not installed")
    write_rows(tmp_path, "trackio")
    [file] = (tmp_path / "trackio").glob("scratchlm.db")
    rows = sqlite3.connect(file).execute("select step, metrics from metrics").fetchall()
    assert {step for step, _ in rows} == set(range(1, 8))
    assert all(b"train/loss" in metrics for _, metrics in rows)
    assert capfd.readouterr() == ("", "")
