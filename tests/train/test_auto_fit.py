"""Laws of fitting: the largest divisor within the room, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig
from scratchlm.model.config import ModelConfig
from scratchlm.train.auto_fit import (
    fit_micro_batch,
    free_memory_bytes,
    micro_batch_sizes,
)
from scratchlm.train.config import TrainConfig

MODEL = ModelConfig.model_validate(
    {"vocab_size": 4096, "context_length": 256, "n_layers": 6, "n_heads": 6}
    | {"n_kv_heads": 3, "d_model": 192, "d_ff": 512}
)
MACHINE = MachineConfig(threads=1)
FIXED, PER_ROW, KEPT_PER_ROW = 400_000_000, 50_000_000, 30_000_000


def train_config(**changes):
    settings = {"total_steps": 10, "batch_size": 32, "micro_batch_size": 1}
    return TrainConfig.model_validate(settings | {"context_length": 256} | changes)


class Device:
    """A device whose memory is a straight line; it remembers what was tried on it."""

    def __init__(self, room, per_row=PER_ROW, recomputed=PER_ROW / 5):
        self.room, self.slopes = room, {False: per_row, True: recomputed}
        self.tried = []

    def __call__(self, model, config, machine, rows):
        found = []
        for n_rows in rows:
            slope = self.slopes[config.activation_checkpointing]
            peak = int(FIXED + slope * n_rows)
            self.tried.append(n_rows)
            found.append(peak if peak <= self.room else None)
        return found


def fit(free, config=None, **options):
    device = options.pop("device", None) or Device(free)
    config = config or train_config()
    return fit_micro_batch(
        MODEL, config, MACHINE, free_bytes=int(free), measure=device, **options
    )


@given(st.floats(0.6e9, 4e9), st.sampled_from([8, 12, 32, 48, 7]))
def test_the_choice_is_the_largest_divisor_that_stays_within_the_room(free, batch):
    config = train_config(batch_size=batch)
    found = fit(free, config, always_measure=True, most_tokens=10**6)
    fitting = [n for n in range(1, batch + 1) if FIXED + n * PER_ROW <= 0.9 * free]
    expected = max(n for n in fitting if batch % n == 0)
    assert found.micro_batch_size == expected
    assert not found.activation_checkpointing
    assert (found.fixed_bytes, found.bytes_per_row) == (FIXED, PER_ROW)


def test_two_trials_of_few_rows_are_enough():
    device = Device(4e9)
    found = fit(4e9, device=device, always_measure=True)
    assert device.tried == [3, 6]
    assert found.measured == {n: FIXED + n * PER_ROW for n in (3, 6)}
    assert "measured" in found.reason


def test_an_estimate_far_below_what_is_free_needs_no_trial():
    device = Device(64e9)
    found = fit(64e9, device=device)
    assert device.tried == []
    assert found.micro_batch_size == 32
    assert "estimated" in found.reason


def test_on_a_cpu_more_than_16384_tokens_bring_nothing_and_the_reason_says_so():
    found = fit(64e9, train_config(batch_size=256))
    assert found.micro_batch_size == 64
    assert "more bring no speed" in found.reason


def test_what_does_not_fit_is_named():
    found = fit(1.5e9, always_measure=True)
    assert found.micro_batch_size == 16
    assert "16 of 32 rows" in found.reason
    assert "32 would not fit" in found.reason


def test_a_row_is_never_taken_for_less_than_the_backward_pass_keeps():
    found = fit(2e9, device=Device(2e9, per_row=1000), always_measure=True)
    assert found.bytes_per_row > 20_000_000


def test_where_no_row_fits_activations_are_computed_anew():
    found = fit(0.48e9, always_measure=True)
    assert found.activation_checkpointing
    assert found.micro_batch_size == 2
    assert "computed anew" in found.reason


def test_what_was_asked_for_is_not_explained():
    config = train_config(activation_checkpointing=True)
    found = fit(2e9, config, always_measure=True)
    assert found.activation_checkpointing
    assert "computed anew" not in found.reason


def test_where_nothing_fits_a_person_is_told_what_to_change():
    with pytest.raises(UserError, match="shorter train"):
        fit(0.3e9)
    with pytest.raises(UserError, match="one row of 256 tokens"):
        fit(0.41e9, always_measure=True)


def test_one_row_a_batch_is_one_trial():
    device = Device(1e9)
    found = fit(1e9, train_config(batch_size=1), device=device, always_measure=True)
    assert device.tried == [1]
    assert found.micro_batch_size == 1


@given(st.integers(1, 96), st.integers(1, 40), st.integers(1, 200_000))
def test_sizes_divide_the_batch_and_its_stages(batch, staged, most):
    config = train_config(batch_size=batch, batch_stages=((3, staged),))
    sizes = micro_batch_sizes(config, most)
    assert sizes[0] == 1
    assert sizes == sorted(sizes)
    for size in sizes:
        assert batch % size == 0
        assert staged <= size or staged % size == 0
        assert size * 256 <= max(most, 256)
        TrainConfig.model_validate(config.model_dump() | {"micro_batch_size": size})


def test_this_machine_has_memory():
    assert free_memory_bytes("cpu") > 1_000_000
