"""Laws of the shuffle without a table."""

import numpy as np
import pytest

from scratchlm.data import permute
from scratchlm.data.permutation import rows_at


def order(size, seed=1, epoch=0):
    return permute(np.arange(size, dtype=np.int64), size, seed, epoch)


@pytest.mark.parametrize("size", [*range(1, 70), 255, 256, 257, 1000, 65537])
def test_every_number_comes_once(size):
    assert sorted(order(size).tolist()) == list(range(size))


def test_a_position_is_sent_to_the_same_place_alone_or_among_others():
    whole = order(1000)
    for position in (0, 1, 500, 999):
        alone = permute(np.array([position], np.int64), 1000, 1, 0)
        assert alone.tolist() == [whole[position]]


def test_another_seed_or_epoch_is_another_order():
    orders = [order(500, seed, epoch) for seed in (0, 1, -1) for epoch in (0, 1, 2)]
    assert len({tuple(o.tolist()) for o in orders}) == 9


def test_positions_are_not_changed_in_place():
    positions = np.arange(100, dtype=np.int64)
    permute(positions, 100, 0, 0)
    assert positions.tolist() == list(range(100))


def test_the_order_is_as_mixed_as_chance():
    """About n/3 as mean distance moved, about n/2 rises; both within 5 sigma."""
    size = 20_000
    mixed = order(size)
    moved = np.abs(mixed - np.arange(size)).mean() / size
    rises = (np.diff(mixed) > 0).mean()
    assert abs(moved - 1 / 3) < 5 * 0.24 / size**0.5
    assert abs(rises - 1 / 2) < 5 * 0.3 / size**0.5


def test_all_orders_of_three_occur_over_epochs():
    orders = {tuple(order(3, epoch=epoch).tolist()) for epoch in range(100)}
    assert len(orders) == 6


def test_sizes_far_beyond_memory_work():
    size = 10**15 + 1
    positions = np.array([0, 1, size - 1], np.int64)
    sent = permute(positions, size, 0, 0)
    assert len(set(sent.tolist())) == 3
    assert (sent >= 0).all()
    assert (sent < size).all()


def test_the_order_never_changes_between_versions():
    """A run that resumes under a newer version must go on with the same rows."""
    assert order(10, seed=0).tolist() == FROZEN


FROZEN = [5, 8, 9, 0, 1, 6, 7, 4, 3, 2]


def test_an_epoch_of_rows_follows_another_and_any_place_is_known_alone():
    places = np.arange(70)
    rows = rows_at(places, 23, seed=4)
    assert all(sorted(rows[a : a + 23]) == list(range(23)) for a in (0, 23, 46))
    assert rows[:23].tolist() != rows[23:46].tolist()
    assert [int(rows_at(places[i : i + 1], 23, 4)[0]) for i in range(70)] == list(rows)
    shuffled = np.array([60, 3, 22, 23, 3])
    assert rows_at(shuffled, 23, 4).tolist() == rows[shuffled].tolist()
