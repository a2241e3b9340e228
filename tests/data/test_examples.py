"""Laws of the batches of whole examples."""

import random
from collections import Counter

import numpy as np
import pytest

from scratchlm.base.errors import UserError
from scratchlm.data import ExampleBatches

PAD, START = 999, 500


def make_examples(count=60, seed=0, longest=20):
    """Each begins with START and has ids of its own, so that it can be found again."""
    draw = random.Random(seed)
    examples = []
    for index in range(count):
        n = draw.randrange(2, longest)
        ids = [START, *(1000 + 100 * index + i for i in range(n))]
        spoken = draw.randrange(1, n + 1)
        examples.append((ids, [False] * (len(ids) - spoken) + [True] * spoken))
    return examples


def build(examples, T=32, B=3, seed=1):
    return ExampleBatches(examples, T, B, seed, PAD)


def counted(batches, steps):
    """How often each (token, counted target) occurs."""
    seen = Counter()
    for step in steps:
        batch = batches.batch(step)
        mask = batch["loss_mask"]
        seen.update(
            zip(
                batch["tokens"][mask].tolist(),
                batch["targets"][mask].tolist(),
                strict=True,
            )
        )
    return seen


def to_learn(examples):
    return Counter(
        (ids[i - 1], ids[i])
        for ids, mask in examples
        for i in range(1, len(ids))
        if mask[i]
    )


def test_an_epoch_learns_every_answer_once_and_nothing_else():
    examples = make_examples()
    batches = build(examples, B=1)
    seen = counted(batches, range(batches.n_rows))
    assert seen == to_learn(examples)
    assert sum(seen.values()) == batches.n_loss_tokens
    assert (batches.n_examples, batches.n_truncated, batches.n_dropped) == (60, 0, 0)


def test_every_epoch_learns_every_answer_once():
    examples = make_examples()
    batches = build(examples, B=1)
    n = batches.n_rows
    assert counted(batches, range(3 * n, 4 * n)) == to_learn(examples)


def test_an_example_stands_whole_in_one_row():
    examples = make_examples()
    batches = build(examples, B=1)
    rows = [
        [*batch["tokens"][0].tolist(), batch["targets"][0, -1]]
        for batch in map(batches.batch, range(batches.n_rows))
    ]
    texts = [",".join(map(str, row)) for row in rows]
    for ids, _ in examples:
        assert sum(",".join(map(str, ids)) in text for text in texts) == 1


def test_padding_is_never_counted():
    batches = build(make_examples(count=4), T=64, B=4)
    for step in range(8):
        batch = batches.batch(step)
        assert (batch["tokens"] == PAD).any()
        assert not batch["loss_mask"][batch["targets"] == PAD].any()
    assert 0 < batches.padding_frac < 1


def test_nothing_is_learned_across_the_border_of_two_examples():
    everything = [(ids, [True] * len(ids)) for ids, _ in make_examples()]
    batches = build(everything)
    for step in range(20):
        batch = batches.batch(step)
        assert not batch["loss_mask"][batch["targets"] == START].any()


def test_resuming_at_any_step_gives_what_an_uninterrupted_run_gets():
    examples = make_examples()
    uninterrupted = build(examples)
    expected = [uninterrupted.batch(step) for step in range(40)]
    for step in (39, 0, 17):
        resumed = build(examples).batch(step)
        assert all((resumed[name] == expected[step][name]).all() for name in resumed)


def test_the_steps_of_an_epoch_show_every_example():
    examples = make_examples()
    batches = build(examples, B=4)
    seen = counted(batches, range(batches.n_batches_per_epoch))
    assert set(seen) == set(to_learn(examples))
    assert (batches.n_batches_per_epoch - 1) * 4 < batches.n_rows


def test_over_epochs_another_example_leads_a_row():
    batches = build(make_examples(), B=1)
    leaders = Counter()
    for epoch in range(6):
        for step in range(batches.n_rows):
            leaders[
                int(batches.batch(epoch * batches.n_rows + step)["tokens"][0, 1])
            ] += 1
    assert len(leaders) > 1.5 * batches.n_rows


def test_an_example_too_long_is_cut_at_its_end_and_counted():
    long = ([START, *range(1, 50)], [False] + [True] * 49)
    batches = build([long, *make_examples(3)], T=16)
    assert (batches.n_truncated, batches.n_examples, batches.n_dropped) == (1, 4, 0)
    assert batches.n_loss_tokens == 16 + sum(to_learn(make_examples(3)).values())
    seen = counted(batches, range(batches.n_batches_per_epoch))
    assert (15, 16) in seen
    assert (16, 17) not in seen


def test_an_example_without_anything_to_learn_is_dropped_and_counted():
    silent = ([START, 1, 2], [True, False, False])
    late = ([START, *range(40)], [False] * 40 + [True])
    batches = build([silent, late, *make_examples(5)], T=16)
    assert (batches.n_dropped, batches.n_examples) == (2, 5)


@pytest.mark.parametrize("examples", [[], [([START, 1], [False, False])]])
def test_no_example_to_learn_from_is_refused(examples):
    with pytest.raises(UserError, match="anything to learn"):
        build(examples)


def test_shapes_and_types_are_those_of_the_house():
    batch = build(make_examples(), T=24, B=5).batch(7)
    assert batch["tokens"].shape == batch["targets"].shape == (5, 24)
    assert batch["loss_mask"].shape == (5, 24)
    assert batch["tokens"].dtype == batch["targets"].dtype == np.int64
    assert batch["loss_mask"].dtype == np.bool_


def test_examples_and_rows_decide_the_fingerprint():
    first = build(make_examples()).fingerprint
    assert build(make_examples(), B=7).fingerprint == first
    assert build(make_examples(), T=33).fingerprint != first
    assert build(make_examples()[1:]).fingerprint != first
    ids, mask = make_examples()[0]
    flipped = [(ids, [not m for m in mask]), *make_examples()[1:]]
    assert build(flipped).fingerprint != first


def test_any_rows_can_be_asked_for():
    batches = build(make_examples(), B=4)
    whole = batches.rows(np.arange(40))
    some = batches.rows(np.array([39, 0, 17]))
    assert all((some[name] == whole[name][[39, 0, 17]]).all() for name in some)


def test_separate_examples_are_numbered_and_nothing_else_changes():
    examples = make_examples()
    plain = build(examples).rows(np.arange(50))
    apart = ExampleBatches(examples, 32, 3, 1, PAD, separate=True)
    found = apart.rows(np.arange(50))
    assert all((found[name] == plain[name]).all() for name in plain)
    tokens, doc_ids, positions = found["tokens"], found["doc_ids"], found["positions"]
    assert ((doc_ids == 0) == (tokens == PAD)).all()
    starts = tokens == START
    assert (positions[starts] == 0).all()
    assert (doc_ids == np.where(tokens == PAD, 0, np.cumsum(starts, axis=1))).all()
    goes_on = (doc_ids[:, 1:] == doc_ids[:, :-1]) & (doc_ids[:, 1:] > 0)
    assert (np.diff(positions, axis=1)[goes_on] == 1).all()
    assert apart.fingerprint != build(examples).fingerprint
