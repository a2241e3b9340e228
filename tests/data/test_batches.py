"""Laws of the batches for pretraining."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.data import DataConfig, TokenBatches, TokenStore, build_shards
from scratchlm.data.batches import rows_of_step


def pairs(batch):
    """(token, target) of every counted position."""
    mask = batch["loss_mask"]
    return list(zip(batch["tokens"][mask], batch["targets"][mask], strict=True))


def same(a, b):
    return all((a[name] == b[name]).all() for name in a)


@pytest.mark.parametrize("context_length", [1, 2, 7, 16, 50])
@pytest.mark.parametrize("n_tokens", [51, 52, 100, 151])
def test_packing_loses_no_token(tokenizer, tmp_path, context_length, n_tokens):
    texts = ["".join(chr(33 + i % 90) for i in range(n_tokens - 1))]
    build_shards(DataConfig(), {"train": texts}, tokenizer, tmp_path)
    store = TokenStore.open(tmp_path, "train")
    batches = TokenBatches(store, context_length, 1, seed=3)
    seen = Counter(
        pair for step in range(batches.n_rows) for pair in pairs(batches.batch(step))
    )
    stream = store[:].tolist()
    assert seen == Counter(pairwise(stream))


def test_the_target_is_the_token_that_follows(store, stream):
    batches = TokenBatches(store, 16, 4, seed=0)
    batch = batches.batch(0)
    assert batch["tokens"].shape == batch["targets"].shape == (4, 16)
    assert batch["tokens"].dtype == batch["targets"].dtype == np.int64
    assert batch["loss_mask"].shape == (4, 16)
    assert batch["loss_mask"].dtype == np.bool_
    assert (batch["tokens"][:, 1:] == batch["targets"][:, :-1]).all()
    text = ",".join(map(str, stream))
    for row, last in zip(batch["tokens"], batch["targets"][:, -1], strict=True):
        assert ",".join(map(str, [*row, last])) in text


def test_resuming_at_any_step_gives_what_an_uninterrupted_run_gets(store):
    uninterrupted = TokenBatches(store, 16, 3, seed=1)
    n_steps = uninterrupted.n_rows  # three epochs
    expected = [uninterrupted.batch(step) for step in range(n_steps)]
    for step in (n_steps - 1, 0, 31, 30, n_steps // 3, n_steps // 3 + 1):
        resumed = TokenBatches(store, 16, 3, seed=1)
        assert same(resumed.batch(step), expected[step])


def test_every_epoch_takes_each_row_once_in_an_order_of_its_own():
    B, n_rows = 7, 40
    rows = np.concatenate([rows_of_step(step, B, n_rows, seed=2) for step in range(40)])
    epochs = rows.reshape(-1, n_rows).tolist()
    assert len(epochs) == 7
    assert all(sorted(epoch) == list(range(n_rows)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 7


def test_a_batch_larger_than_an_epoch_goes_on_with_the_next_one():
    rows = rows_of_step(2, 10, 4, seed=0).tolist()
    assert len(rows) == 10
    assert sorted(rows[:4]) == sorted(rows[4:8]) == [0, 1, 2, 3]


def test_the_batch_size_changes_no_order():
    ones = [rows_of_step(step, 1, 23, seed=9)[0] for step in range(60)]
    sixes = np.concatenate([rows_of_step(step, 6, 23, seed=9) for step in range(10)])
    assert ones == sixes.tolist()


def test_another_seed_is_another_order_and_none_is_the_datas_own(store):
    first = TokenBatches(store, 16, 4, seed=5).batch(0)
    assert not same(TokenBatches(store, 16, 4, seed=6).batch(0), first)
    assert same(TokenBatches(store, 16, 4).batch(0), first)


def test_a_text_shorter_than_one_row_is_refused_with_the_remedy(store):
    with pytest.raises(UserError, match="smaller"):
        TokenBatches(store, len(store), 4)
    assert TokenBatches(store, len(store) - 1, 4).n_rows == 1


@pytest.mark.parametrize("context_length", [1, 7, 16, 50, 333])
def test_separate_documents_are_numbered_and_not_learned_across(
    context_length, store, documents, stream
):
    plain = TokenBatches(store, context_length, 1, seed=0)
    separate = TokenBatches(store, context_length, 1, seed=0, separate=True)
    everything = np.arange(plain.n_rows)
    a, b = plain.rows(everything), separate.rows(everything)
    assert (a["tokens"] == b["tokens"]).all()
    assert (a["targets"] == b["targets"]).all()
    end = stream[-1]
    assert ((a["loss_mask"] & (b["tokens"] != end)) == b["loss_mask"]).all()
    assert b["loss_mask"].sum() == len(stream) - store.n_documents
    for row in range(plain.n_rows):
        number, place = 1, -1
        for i in range(context_length):
            place += 1
            if not a["loss_mask"][row, i]:
                assert b["doc_ids"][row, i] == b["positions"][row, i] == 0
                continue
            assert (b["doc_ids"][row, i], b["positions"][row, i]) == (number, place)
            if b["tokens"][row, i] == end:
                number, place = number + 1, -1


def test_how_rows_are_cut_decides_the_fingerprint(store):
    prints = {
        TokenBatches(store, 16, 1, separate=separate).fingerprint
        for separate in (False, True)
    }
    prints.add(TokenBatches(store, 17, 1).fingerprint)
    prints.add(TokenBatches(store, 16, 9, seed=3).fingerprint)
    assert len(prints) == 3
