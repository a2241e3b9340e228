"""Laws of the look before the leap: what is needed against what is there."""

import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.pipeline import preflight
from scratchlm.pipeline.preflight import (
    Needs,
    available_memory_bytes,
    check_needs,
    estimate_text_needs,
    estimate_training_needs,
)
from scratchlm.plan.presets import laptop_config

HUGE = 10**18


def test_a_modest_run_passes(tmp_path):
    check_needs(Needs(1_000_000, 1_000_000), tmp_path / "not" / "yet" / "there")


def test_a_full_disk_is_said_before_the_start(tmp_path):
    with pytest.raises(UserError, match=r"needs about .* of disk and .* are free"):
        check_needs(Needs(HUGE, 0), tmp_path)


def test_too_little_memory_is_said_before_the_start(tmp_path):
    with pytest.raises(UserError, match=r"of memory and .* are available"):
        check_needs(Needs(0, HUGE), tmp_path)


def test_memory_of_the_host_does_not_limit_a_model_on_a_gpu(tmp_path):
    check_needs(Needs(0, HUGE), tmp_path, device="cuda")


def test_a_larger_model_batch_or_text_needs_more():
    machine = MachineConfig()
    small = estimate_training_needs(laptop_config(2), machine, 8, 2)
    wide = estimate_training_needs(laptop_config(8), machine, 8, 2)
    many = estimate_training_needs(laptop_config(2), machine, 64, 2)
    assert wide.disk_bytes > small.disk_bytes > 4 * laptop_config(2).n_parameters
    assert many.memory_bytes > small.memory_bytes
    assert estimate_text_needs(10**9).disk_bytes > 10**9


def test_a_containers_limit_counts_as_memory(monkeypatch):
    free = available_memory_bytes()
    limits = {"memory.max": free // 2, "memory.current": free // 4}
    monkeypatch.setattr(preflight, "_read_limit", limits.get)
    assert available_memory_bytes() <= free // 4 + 1
