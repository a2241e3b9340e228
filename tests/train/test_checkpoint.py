import pytest
import torch

from scratchlm.train.checkpoint import (
    Checkpoint,
    list_checkpoints,
    load_latest,
    save_checkpoint,
)


def checkpoint(step):
    generator = torch.Generator().manual_seed(step)
    weights = {"w": torch.randn(3, 4, generator=generator).t()}
    optimizer = {"w.mean": torch.randn(4, 3, generator=generator)}
    return Checkpoint(step, weights, optimizer, {"loss": 1 / 3})


@pytest.fixture
def directory(tmp_path):
    for step in (5, 10, 15):
        save_checkpoint(tmp_path, checkpoint(step))
    return tmp_path


def test_what_is_saved_is_what_is_loaded(tmp_path):
    save_checkpoint(tmp_path, checkpoint(7))
    found, expected = load_latest(tmp_path), checkpoint(7)
    assert (found.step, found.extra) == (7, {"loss": 1 / 3})
    assert torch.equal(found.weights["w"], expected.weights["w"])
    assert torch.equal(found.optimizer["w.mean"], expected.optimizer["w.mean"])


def test_chance_goes_on_where_it_stood(tmp_path):
    torch.manual_seed(3)
    save_checkpoint(tmp_path, checkpoint(1))
    expected = torch.rand(4)
    torch.manual_seed(99)
    load_latest(tmp_path)
    assert torch.equal(torch.rand(4), expected)


def test_the_last_two_are_kept(directory):
    names = [path.name for path in list_checkpoints(directory)]
    assert names == ["step_000010", "step_000015"]
    assert load_latest(directory).step == 15


def test_where_there_is_none_there_is_none(tmp_path):
    assert load_latest(tmp_path) is None
    assert load_latest(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "file", ["weights.safetensors", "optimizer.safetensors", "state.json"]
)
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_damaged_one_is_passed_over_for_its_predecessor(directory, file, damage):
    path = directory / "step_000015" / file
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(data[:-9])
    else:
        data[1 if file == "state.json" else -5] ^= 1
        path.write_bytes(data)
    assert load_latest(directory).step == 10


def test_where_all_are_damaged_the_run_begins_anew(directory):
    for path in list_checkpoints(directory):
        (path / "state.json").write_text("{")
    assert load_latest(directory) is None


def test_the_same_step_is_written_over(directory):
    (directory / "step_000015" / "state.json").write_text("{")
    save_checkpoint(directory, checkpoint(15))
    assert load_latest(directory).step == 15


def test_what_a_killed_process_left_behind_goes(directory):
    left = directory / ".step_000020.tmp-123"
    left.mkdir()
    (left / "weights.safetensors").write_bytes(b"half")
    assert load_latest(directory).step == 15
    assert not left.exists()


def test_the_same_state_gives_the_same_bytes(tmp_path):
    for copy in "ab":
        torch.manual_seed(0)
        save_checkpoint(tmp_path / copy, checkpoint(3))
    for one in sorted((tmp_path / "a" / "step_000003").iterdir()):
        assert one.read_bytes() == (tmp_path / "b/step_000003" / one.name).read_bytes()
