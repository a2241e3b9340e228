import numpy as np
import pytest

from scratchlm.corpus.mix.select import find_limit


def rows_of(n, seed=0, most=1000):
    draw = np.random.default_rng(seed)
    keys = draw.integers(0, 2**64, n, dtype=np.uint64)
    return keys, draw.integers(1, most, n)


def taken(keys, sizes, limit):
    """Bytes of the rows below a limit."""
    return sum(
        s for k, s in zip(keys.tolist(), sizes.tolist(), strict=True) if k < limit
    )


def in_parts(keys, sizes, n):
    """A function that gives the rows in n parts."""
    return lambda: zip(np.array_split(keys, n), np.array_split(sizes, n), strict=True)


@pytest.mark.parametrize("n", [1, 2, 50, 5000])
def test_bytes_taken_come_as_near_to_the_quota_as_any_prefix(n):
    keys, sizes = rows_of(n)
    totals = np.concatenate([[0], np.cumsum(sizes[np.argsort(keys)])])
    for quota in np.linspace(0, totals[-1], 23).astype(int).tolist():
        limit = find_limit(in_parts(keys, sizes, 3), quota)
        nearest = np.abs(totals - quota).min()
        assert abs(taken(keys, sizes, limit) - quota) == nearest


def test_parts_and_order_of_rows_change_nothing():
    keys, sizes = rows_of(999)
    quota = int(sizes.sum()) // 3
    limit = find_limit(in_parts(keys, sizes, 1), quota)
    assert find_limit(in_parts(keys[::-1], sizes[::-1], 7), quota) == limit


def test_the_whole_and_more_takes_all():
    keys, sizes = rows_of(20)
    total = int(sizes.sum())
    for quota in (total, total + 5):
        assert find_limit(in_parts(keys, sizes, 2), quota) == 2**64


def test_crowded_keys_are_told_apart_and_equal_ones_kept_together():
    keys = np.array([5, 7, 7, 9], np.uint64)
    sizes = np.array([10, 10, 10, 10])
    assert taken(keys, sizes, find_limit(in_parts(keys, sizes, 1), 12)) == 10
    assert taken(keys, sizes, find_limit(in_parts(keys, sizes, 1), 29)) == 30


def test_no_rows_give_no_bytes():
    empty = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    assert find_limit(lambda: iter([empty]), 0) == 2**64
