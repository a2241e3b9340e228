"""Laws of handing out rows: any cursor, any number of ranks and workers."""

import json
from collections import Counter
from itertools import islice

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.data import (
    Blend,
    Cursor,
    ExampleBatches,
    Loader,
    PackedBatches,
    TokenBatches,
    TokenStore,
    pack_documents,
)

T = 16


@pytest.fixture(scope="module")
def all_sources(directory, tmp_path_factory):
    """One of each kind."""
    store = TokenStore.open(directory, "train")
    stream = TokenBatches(store, T, 1, seed=5)
    packing = pack_documents(store, T, tmp_path_factory.mktemp("packed"))
    packed = PackedBatches(store, packing, 1, seed=5)
    separate = TokenBatches(store, T, 1, seed=6, separate=True)
    examples = [([1, *range(i, i + 9)], [True] * 10) for i in range(40)]
    return {
        "stream": stream,
        "packed": packed,
        "examples": ExampleBatches(examples, T, 1, 5, 0),
        "blend": Blend({"a": packed, "b": separate}, {"a": 30, "b": 40}, 1, 5),
    }


@pytest.fixture(params=["stream", "packed", "examples", "blend"])
def source(request, all_sources):
    return all_sources[request.param]


def lines(batch):
    """A batch as text, row by row."""
    names = sorted(batch)
    n_rows = len(batch["tokens"])
    return [str([batch[name][i].tolist() for name in names]) for i in range(n_rows)]


def take(loader, n_batches):
    rows = [row for batch in islice(loader, n_batches) for row in lines(batch)]
    loader.close()
    return rows


def whole_order(source, n_rows):
    return lines(source.rows(np.arange(n_rows)))


def test_resuming_at_any_row_gives_the_very_next_row(source):
    """Every row of an epoch and beyond, its last one included."""
    n = source.n_rows
    expected = whole_order(source, 2 * n)
    loader = Loader(source, 1)
    for row in range(n + 3):
        cursor = Cursor.from_json(json.loads(json.dumps(loader.cursor.to_json())))
        assert cursor.rows == row
        assert take(Loader(source, 1, cursor=cursor), 1) == expected[row : row + 1]
        assert lines(next(loader)) == expected[row : row + 1]


def test_resuming_a_second_time_is_like_the_first(source):
    n = source.n_rows
    expected = whole_order(source, 3 * n)
    first = Loader(source, 3)
    next(first)
    second = Loader(source, 3, cursor=first.cursor)
    assert take(second, 2) == expected[3:9]
    third = Loader(source, 3, cursor=second.cursor)
    assert take(third, n // 3) == expected[9 : 9 + n // 3 * 3]
    again = Loader(source, 3, cursor=third.cursor)
    assert lines(next(again)) == expected[9 + n // 3 * 3 :][:3]


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_number_of_workers_changes_nothing(source, workers):
    loader = Loader(source, 4, workers=workers)
    assert take(loader, 12) == whole_order(source, 48)
    assert loader.cursor.rows == 48


@pytest.mark.parametrize("world_size", [1, 2, 3, 6])
def test_all_ranks_together_see_the_same_rows_in_the_same_order(source, world_size):
    ranks = [
        Loader(source, 6, rank=r, world_size=world_size) for r in range(world_size)
    ]
    seen = []
    for _ in range(9):
        shares = [lines(next(loader)) for loader in ranks]
        seen += [row for rows in zip(*shares, strict=True) for row in rows]
    assert seen == whole_order(source, 54)
    assert len({loader.cursor for loader in ranks}) == 1


def test_a_run_goes_on_with_other_ranks_workers_and_batches(source):
    expected = whole_order(source, 60)
    before = [Loader(source, 4, rank=r, world_size=2, workers=r) for r in (0, 1)]
    for loader in before:
        take(loader, 3)
    cursor = before[1].cursor
    after = [Loader(source, 9, rank=r, world_size=3, cursor=cursor) for r in range(3)]
    shares = [take(loader, 5) for loader in after]
    seen = [row for rows in zip(*shares, strict=True) for row in rows]
    assert seen == expected[12:57]


def test_each_epoch_visits_each_row_once_in_another_order(all_sources):
    for kind in ("stream", "packed"):
        source = all_sources[kind]
        n = source.n_rows
        order = take(Loader(source, n), 3)
        epochs = [order[i * n : (i + 1) * n] for i in range(3)]
        assert Counter(epochs[0]) == Counter(epochs[1]) == Counter(epochs[2])
        assert epochs[0] != epochs[1] != epochs[2]


def test_what_was_prepared_but_not_handed_out_does_not_count(source):
    loader = Loader(source, 2, workers=3)
    next(loader)
    assert loader.cursor.rows == 2
    assert loader.epoch == 2 / source.n_rows
    loader.close()


def test_a_cursor_of_other_data_or_another_order_is_refused(all_sources, directory):
    stream, packed = all_sources["stream"], all_sources["packed"]
    cursor = Loader(stream, 2).cursor
    with pytest.raises(UserError, match="other data"):
        Loader(packed, 2, cursor=cursor)
    store = TokenStore.open(directory, "heldout")
    with pytest.raises(UserError, match="other data"):
        Loader(TokenBatches(store, 4, 1, seed=5), 2, cursor=cursor)
    with pytest.raises(UserError, match="seed 5, not 7"):
        Loader(TokenBatches(stream.store, T, 1, seed=7), 2, cursor=cursor)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"fingerprint": "x", "seed": 1},
        {"fingerprint": "x", "seed": 1, "rows": -1},
        {"fingerprint": "x", "seed": 1, "rows": "2"},
        {"fingerprint": "x", "seed": True, "rows": 2},
        {"fingerprint": "x", "seed": 1, "rows": 2, "more": 0},
    ],
)
def test_what_is_no_cursor_is_refused(value):
    with pytest.raises(UserError, match="no position"):
        Cursor.from_json(value)


def test_ranks_that_cannot_share_a_batch_are_refused(source):
    with pytest.raises(UserError, match="cannot be shared by 3"):
        Loader(source, 4, rank=0, world_size=3)
