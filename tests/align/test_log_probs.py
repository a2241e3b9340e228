"""Log-probabilities of answers: which tokens count, and that batching changes none."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.align.log_probs import (
    Answer,
    answer_log_probs,
    batch_log_probs,
    length_batches,
    stack_answers,
)

PAD = 1
ANSWERS = [
    Answer((5, 6, 7, 8), 2),
    Answer(tuple(range(10, 50)), 3),
    Answer((9, 4), 1),
    Answer(tuple(range(60, 81)), 20),
]


def by_hand(model, answer: Answer) -> float:
    ids = torch.tensor([answer.ids])
    logp = torch.log_softmax(model(ids[:, :-1]), -1)[0]
    return sum(
        logp[place - 1, answer.ids[place]].item()
        for place in range(answer.start, len(answer.ids))
    )


def test_an_answer_counts_its_own_tokens_and_nothing_of_the_prompt(model) -> None:
    sums = answer_log_probs(model, ANSWERS, PAD)
    assert sums == pytest.approx([by_hand(model, a) for a in ANSWERS], abs=1e-4)


def test_neither_order_nor_company_nor_padding_changes_an_answer(model) -> None:
    together = answer_log_probs(model, ANSWERS, PAD)
    backwards = answer_log_probs(model, ANSWERS[::-1], PAD, tokens_per_batch=1)
    assert backwards[::-1] == pytest.approx(together, abs=1e-5)
    other_padding = answer_log_probs(model, ANSWERS, pad_id=33)
    assert np.array_equal(other_padding, together)


def test_the_same_answers_give_the_same_bits(model) -> None:
    first = answer_log_probs(model, ANSWERS, PAD)
    assert first.tobytes() == answer_log_probs(model, ANSWERS, PAD).tobytes()


def test_gradients_reach_the_model_through_counted_tokens_only(model) -> None:
    arrays = stack_answers(ANSWERS[:1], PAD, 64)
    tokens, targets, mask = (torch.from_numpy(a) for a in arrays)
    ours = batch_log_probs(model, tokens, targets, mask)
    ours.sum().backward()
    gradient = model.lm_head.weight.grad.clone()
    model.zero_grad()
    (model.log_probs(tokens, targets) * mask).sum().backward()
    assert torch.allclose(gradient, model.lm_head.weight.grad, atol=1e-5)


def test_a_row_never_grows_wider_than_the_context() -> None:
    tokens, targets, mask = stack_answers([Answer(tuple(range(25)), 4)], PAD, 24)
    assert tokens.shape == targets.shape == mask.shape == (1, 24)
    assert mask.sum() == 21 and targets[0, -1] == 24


@given(st.lists(st.integers(2, 200), max_size=40), st.integers(1, 1000))
def test_every_answer_is_in_one_batch_and_no_batch_is_too_large(
    lengths: list[int], tokens_per_batch: int
) -> None:
    batches = list(length_batches(lengths, tokens_per_batch))
    assert sorted(itertools.chain(*batches)) == list(range(len(lengths)))
    for batch in batches:
        width = max(-(-(lengths[i] - 1) // 16) * 16 for i in batch)
        assert len(batch) == 1 or width * len(batch) <= tokens_per_batch
