import shutil
import subprocess

import pytest
import torch
from safetensors.torch import load_file

from scratchlm.train.checkpoint_files import (
    DTYPES,
    Checkpoint,
    DamagedError,
    Stamp,
    read_checkpoint,
    write_checkpoint,
)

FILES = ("SHA256SUMS", "optimizer.safetensors", "state.json", "weights.safetensors")


def small_checkpoint(step, seed=0):
    generator = torch.Generator().manual_seed(seed)
    weights = {"w": torch.randn(3, 2, generator=generator).t()}
    optimizer = {"w.mean": torch.randn(2, 3, generator=generator)}
    tensors = {"weights": weights, "optimizer": optimizer}
    return Checkpoint(step, tensors, {"loss": 1 / 3})


@pytest.fixture
def whole(tmp_path):
    return write_checkpoint(tmp_path, small_checkpoint(15), Stamp(0.5))


def is_refused(path):
    try:
        read_checkpoint(path)
    except DamagedError:
        return True
    return False


def test_every_type_comes_back_with_its_bits(tmp_path):
    """Transposed, empty, scalar, not finite, of odd length."""
    bits = torch.randint(0, 2, (7, 16), dtype=torch.uint8)
    held = {str(t): bits.view(t).t() for t in DTYPES if t is not torch.bool}
    held |= {"bool": bits[:3].bool(), "none": torch.zeros(0, 3), "one": torch.tensor(2)}
    held["inf"] = torch.tensor([torch.inf, -torch.inf, torch.nan, -0.0])
    write_checkpoint(tmp_path, Checkpoint(3, {"all": held, "empty": {}}), Stamp())
    found, _ = read_checkpoint(tmp_path / "step_000003")
    assert found.tensors["empty"] == {} and found.tensors["all"].keys() == held.keys()
    for name, tensor in held.items():
        back = found.tensors["all"][name]
        assert (back.dtype, back.shape) == (tensor.dtype, tensor.shape)
        flat = [t.contiguous().flatten().view(torch.uint8) for t in (back, tensor)]
        assert torch.equal(*flat), name


def test_state_and_stamp_come_back(tmp_path):
    stamp = Stamp(0.125, {"train": {"lr": 0.1, "seed": 3}}, ("step 2: lr 1 → 2",))
    state = {"loss": 0.1 + 0.2, "guard": {"window": [1e-300, 5]}, "none": None}
    path = write_checkpoint(tmp_path, Checkpoint(1, {}, state), stamp)
    found, said = read_checkpoint(path)
    assert (found.step, found.state, said) == (1, state, stamp)


def test_other_programs_read_it(whole):
    assert load_file(whole / "weights.safetensors")["w"].shape == (2, 3)
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
        assert subprocess.run(command, cwd=whole, capture_output=True).returncode == 0


def test_the_same_state_gives_the_same_bytes(tmp_path, whole):
    other = write_checkpoint(tmp_path / "other", small_checkpoint(15), Stamp(0.5))
    for name in FILES:
        assert (whole / name).read_bytes() == (other / name).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_any_byte_that_was_changed_is_found(whole, name):
    """Each byte of each file, one of its bits."""
    path = whole / name
    data = path.read_bytes()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 1 << (at % 8)
        path.write_bytes(damaged)
        assert is_refused(whole), at
    path.write_bytes(data)
    assert not is_refused(whole)


@pytest.mark.parametrize("name", FILES)
def test_any_length_but_the_right_one_is_found(whole, name):
    path = whole / name
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert is_refused(whole), length
    for more in (b"\0", b"\n", data):
        path.write_bytes(data + more)
        assert is_refused(whole), more


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_or_has_another_name_is_found(whole, name):
    (whole / name).rename(whole / f"{name}.bak")
    with pytest.raises(DamagedError, match=r"missing|checksum"):
        read_checkpoint(whole)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_checkpoint_is_found(tmp_path, whole, name):
    """Half old, half new."""
    other = write_checkpoint(tmp_path, small_checkpoint(10, seed=1), Stamp(0.5))
    shutil.copy(other / name, whole / name)
    assert is_refused(whole)


def test_files_that_were_swapped_are_found(whole):
    one, other = whole / "weights.safetensors", whole / "optimizer.safetensors"
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)
    with pytest.raises(DamagedError, match=r"optimizer.safetensors .* checksum"):
        read_checkpoint(whole)


def test_a_folder_that_was_renamed_is_found(tmp_path, whole):
    whole.rename(tmp_path / "step_000099")
    with pytest.raises(DamagedError, match="of step 15"):
        read_checkpoint(tmp_path / "step_000099")


def test_a_checkpoint_of_another_format_is_found(whole):
    (whole / "state.json").write_text('{"step": 15, "extra": {}}')
    with pytest.raises(DamagedError, match="another version"):
        read_checkpoint(whole)


def test_what_lies_beside_does_no_harm(whole):
    (whole / ".DS_Store").write_bytes(b"x")
    assert not is_refused(whole)
