"""Laws of packing."""

import random

import pytest

from scratchlm.data import pack_best_fit


def test_every_example_stands_in_one_row_and_no_row_overflows():
    for seed in range(30):
        draw = random.Random(seed)
        capacity = draw.randrange(1, 50)
        lengths = [draw.randrange(1, capacity + 1) for _ in range(draw.randrange(200))]
        rows = pack_best_fit(lengths, capacity)
        assert sorted(i for row in rows for i in row) == list(range(len(lengths)))
        assert all(sum(lengths[i] for i in row) <= capacity for row in rows)


def test_rows_are_those_of_trying_every_row():
    for seed in range(30):
        draw = random.Random(seed)
        lengths = [draw.randrange(1, 21) for _ in range(80)]
        rows = pack_best_fit(lengths, 20)
        rooms = []
        for index in sorted(range(80), key=lambda i: (-lengths[i], i)):
            fitting = [room for room in rooms if room >= lengths[index]]
            if fitting:
                rooms.remove(min(fitting))
            rooms.append((min(fitting) if fitting else 20) - lengths[index])
        assert sorted(rooms) == sorted(
            20 - sum(lengths[i] for i in row) for row in rows
        )


@pytest.mark.parametrize(
    ("lengths", "rows"),
    [
        ([], []),
        ([5], [[0]]),
        ([4, 6, 7], [[2], [1, 0]]),
        ([3, 7, 5, 2], [[1, 0], [2, 3]]),
        ([10, 10], [[0], [1]]),
    ],
)
def test_rows_done_by_hand(lengths, rows):
    packed = pack_best_fit(lengths, 10)
    assert sorted(map(sorted, packed)) == sorted(map(sorted, rows))


def test_many_short_examples_leave_little_padding():
    draw = random.Random(1)
    lengths = [draw.randrange(10, 120) for _ in range(2000)]
    assert len(pack_best_fit(lengths, 257)) <= sum(lengths) / 257 * 1.02
