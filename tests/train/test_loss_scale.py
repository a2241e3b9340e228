import pytest

from scratchlm.train.loss_scale import FIRST_SCALE, GROWTH_STEPS, LossScaler


def test_without_float16_the_scale_stays_one():
    scaler = LossScaler(enabled=False)
    for _ in range(GROWTH_STEPS + 1):
        scaler.grow()
    assert scaler.scale == 1.0
    assert not scaler.shrink()


def test_an_overflow_halves_the_scale_until_it_is_not_to_blame():
    scaler = LossScaler(enabled=True)
    halvings = 0
    while scaler.shrink():
        halvings += 1
    assert scaler.scale == 1.0
    assert 2.0**halvings == FIRST_SCALE


def test_many_good_steps_double_the_scale_and_an_overflow_counts_anew():
    scaler = LossScaler(enabled=True)
    for _ in range(GROWTH_STEPS - 1):
        scaler.grow()
    assert scaler.shrink()
    for _ in range(GROWTH_STEPS - 1):
        scaler.grow()
    assert scaler.scale == FIRST_SCALE / 2
    scaler.grow()
    assert scaler.scale == FIRST_SCALE


@pytest.mark.parametrize("steps", [0, 5, GROWTH_STEPS - 1])
def test_a_saved_scale_goes_on_where_it_was(steps):
    scaler, other = LossScaler(enabled=True), LossScaler(enabled=True)
    scaler.shrink()
    for _ in range(steps):
        scaler.grow()
    other.load_state_dict(scaler.state_dict())
    for each in (scaler, other):
        for _ in range(GROWTH_STEPS - steps):
            each.grow()
    assert scaler.scale == other.scale == FIRST_SCALE
