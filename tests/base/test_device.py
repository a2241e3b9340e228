import random

import pytest
import torch

from scratchlm.base.config import build_config
from scratchlm.base.device import apply_machine, available_threads, seed_everything
from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_machine_is_what_the_recipe_says():
    device = apply_machine(MachineConfig(threads=2))
    assert device == torch.device("cpu")
    assert torch.get_num_threads() == 2
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cuda.matmul.allow_tf32


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(device):
    if getattr(torch, device).is_available():
        pytest.skip(f"this machine has {device}")
    with pytest.raises(UserError, match=r"machine\.device=cpu"):
        apply_machine(MachineConfig(device=device))


def test_a_seed_repeats_both_generators():
    drawn = []
    for seed in (1, 1, 2):
        seed_everything(seed)
        drawn.append((random.random(), float(torch.rand(()))))
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[2][0] and drawn[0][1] != drawn[2][1]


def test_threads_are_those_that_this_process_may_use(monkeypatch):
    assert available_threads() >= 1
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {3}, raising=False)
    assert available_threads() == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [({"threads": 0}, "threads = 0"), ({"dtype": "float8"}, "dtype = 'float8'")],
)
def test_a_machine_that_cannot_be_is_refused(values, message):
    with pytest.raises(UserError, match=message):
        build_config(MachineConfig, values)
