"""Laws of the batches of packed documents."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from scratchlm.data import PackedBatches, TokenStore, pack_documents

PAD = 299


@pytest.fixture(scope="module", params=[4, 16, 250])
def length(request):
    return request.param


@pytest.fixture(scope="module")
def batches(directory, length, tmp_path_factory):
    store = TokenStore.open(directory, "train")
    packing = pack_documents(store, length, tmp_path_factory.mktemp("packed"))
    return PackedBatches(store, packing, 3, seed=1, pad_id=PAD)


@pytest.fixture(scope="module")
def epoch(batches):
    return batches.rows(np.arange(batches.n_rows))


def test_an_epoch_learns_every_pair_within_a_document_once(epoch, store):
    mask = epoch["loss_mask"]
    seen = zip(epoch["tokens"][mask], epoch["targets"][mask], strict=True)
    offsets = store.document_offsets.tolist()
    expected = [p for a, b in pairwise(offsets) for p in pairwise(store[a:b].tolist())]
    assert Counter(seen) == Counter(expected)


def test_padding_is_never_counted_and_belongs_to_no_document(epoch):
    padding = ~epoch["loss_mask"]
    assert padding.any()
    assert (epoch["tokens"][padding] == PAD).all()
    assert (epoch["targets"][padding] == PAD).all()
    assert (epoch["doc_ids"][padding] == 0).all()
    assert (epoch["doc_ids"][~padding] > 0).all()


def test_within_a_document_the_target_is_the_next_token(epoch):
    same = epoch["doc_ids"][:, 1:] == epoch["doc_ids"][:, :-1]
    same &= epoch["loss_mask"][:, 1:]
    assert (epoch["tokens"][:, 1:][same] == epoch["targets"][:, :-1][same]).all()


def test_positions_begin_anew_with_every_document(epoch):
    doc_ids, positions = epoch["doc_ids"], epoch["positions"]
    counted = epoch["loss_mask"]
    begins = np.diff(doc_ids, axis=1, prepend=0) != 0
    assert (positions[begins & counted] == 0).all()
    goes_on = ~begins & counted
    assert (positions[:, 1:] - positions[:, :-1])[goes_on[:, 1:]].tolist() == [1] * int(
        goes_on.sum()
    )
    numbers = doc_ids[counted]
    assert numbers.min() == 1
    assert (np.diff(doc_ids, axis=1)[counted[:, 1:]] <= 1).all()


def test_shapes_and_types_are_those_of_the_house(batches, length):
    batch = batches.batch(4)
    assert sorted(batch) == ["doc_ids", "loss_mask", "positions", "targets", "tokens"]
    for name, values in batch.items():
        assert values.shape == (3, length)
        assert values.dtype == (np.bool_ if name == "loss_mask" else np.int64)


def test_resuming_at_any_step_gives_what_an_uninterrupted_run_gets(batches, store):
    expected = [batches.batch(step) for step in range(30)]
    for step in (29, 0, 13):
        again = PackedBatches(store, batches.packing, 3, seed=1, pad_id=PAD)
        found = again.batch(step)
        assert all((found[name] == expected[step][name]).all() for name in found)


def test_another_padding_is_another_fingerprint(batches, store):
    other = PackedBatches(store, batches.packing, 3, pad_id=0)
    assert other.fingerprint != batches.fingerprint
    assert other.seed == store.seed
