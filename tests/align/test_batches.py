"""Batches of pairs: a pure function of the step, each pair once an epoch."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.align.batches import PairBatches
from scratchlm.align.log_probs import CHOSEN, REJECTED
from scratchlm.align.pairs import Pair


def build_batches(n_pairs: int, batch_size: int, seed: int = 0) -> PairBatches:
    pairs = [
        Pair(str(i), "hard", (100, 101), tuple(range(50, 52 + i % 30)), (9, 9))
        for i in range(n_pairs)
    ]
    reference = np.arange(2 * n_pairs, dtype=np.float32).reshape(-1, 2)
    return PairBatches(pairs, reference, batch_size, seed, pad_id=1)


@settings(deadline=None)
@given(st.integers(1, 70), st.integers(1, 9), st.integers(0, 3))
def test_each_epoch_reads_every_pair_once(n: int, size: int, seed: int) -> None:
    batches = build_batches(n, size, seed)
    stream = [i for step in range(3 * n) for i in batches.indices(step)]
    for epoch in range(3):
        assert Counter(stream[epoch * n : (epoch + 1) * n]) == Counter(range(n))


def test_a_batch_depends_on_the_step_alone() -> None:
    warm, cold = build_batches(50, 4), build_batches(50, 4)
    for step in range(30):
        warm.batch(step)
    for name, array in cold.batch(29).items():
        assert array.tobytes() == warm.batch(29)[name].tobytes()


def test_another_seed_and_another_epoch_read_in_another_order() -> None:
    one = [build_batches(64, 8).indices(step) for step in range(16)]
    other = [build_batches(64, 8, seed=1).indices(step) for step in range(8)]
    assert one[:8] != one[8:] and one[:8] != other


def test_pairs_of_like_length_stand_together() -> None:
    batches = build_batches(256, 8)
    lengths = batches._lengths
    spread = np.mean([np.ptp(lengths[batches.indices(step)]) for step in range(32)])
    assert spread < 8 < np.ptp(lengths)


def test_a_batch_holds_both_answers_and_their_reference() -> None:
    batches = build_batches(5, 2)
    first = batches.indices(0)
    batch = batches.batch(0)
    assert batch["reference"].tolist() == [[2.0 * i, 2.0 * i + 1] for i in first]
    for row, i in enumerate(first):
        chosen = batch["targets"][row][batch["segments"][row] == CHOSEN]
        rejected = batch["targets"][row][batch["segments"][row] == REJECTED]
        assert chosen.tolist() == list(range(50, 52 + i % 30))
        assert rejected.tolist() == [9, 9]


def test_no_pairs_is_a_fault_of_the_caller() -> None:
    with pytest.raises(AssertionError):
        build_batches(0, 1)
