"""Log-probabilities of pairs: which tokens count, who sees whom, and batching."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.align.log_probs import (
    count_answer_tokens,
    length_batches,
    pair_log_probs,
    score_pairs,
    stack_pairs,
)
from scratchlm.align.pairs import Pair

PAD = 1
PAIRS = [
    Pair("a", "hard", (5, 6, 7), (8, 9), (10, 11, 12, 13)),
    Pair("b", "hard", (20, 21), tuple(range(30, 60)), (33,)),
    Pair("c", "hard", tuple(range(60, 90)), (4,), (4, 4)),
]


def to_batch(pairs: list[Pair]) -> dict[str, torch.Tensor]:
    return {k: torch.from_numpy(v) for k, v in stack_pairs(pairs, PAD).items()}


def alone(model, prompt: tuple, answer: tuple) -> torch.Tensor:
    """The answer read after its prompt in a row of its own, one token at a time."""
    ids = torch.tensor([[*prompt, *answer]])
    logp = torch.log_softmax(model(ids[:, :-1]), -1)[0]
    places = range(len(prompt), len(prompt) + len(answer))
    return torch.stack([logp[p - 1, ids[0, p]] for p in places]).sum()


@pytest.mark.parametrize("position", ["rope", "learned"])
def test_a_shared_prompt_gives_what_two_rows_give(
    build_model, tokenizer, position: str
) -> None:
    model = build_model(tokenizer.vocab_size, position=position)
    sums = score_pairs(model, PAIRS, PAD)
    expected = [
        [alone(model, p.prompt, a).item() for a in (p.chosen, p.rejected)]
        for p in PAIRS
    ]
    assert sums == pytest.approx(np.array(expected), abs=1e-4)


def test_a_shared_prompt_gives_the_gradients_that_two_rows_give(model) -> None:
    pair_log_probs(model, to_batch(PAIRS)).sum().backward()
    ours = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    rows = [alone(model, p.prompt, a) for p in PAIRS for a in (p.chosen, p.rejected)]
    torch.stack(rows).sum().backward()
    for name, parameter in model.named_parameters():
        assert torch.allclose(ours[name], parameter.grad, atol=1e-3), name


def test_neither_answer_sees_the_other(model) -> None:
    changed = [Pair(p.id, p.kind, p.prompt, p.chosen, (99, 98)) for p in PAIRS]
    before, after = score_pairs(model, PAIRS, PAD), score_pairs(model, changed, PAD)
    assert after[:, 0] == pytest.approx(before[:, 0], abs=1e-5)
    assert np.abs(after[:, 1] - before[:, 1]).min() > 1e-3


def test_neither_order_nor_company_nor_padding_changes_a_pair(model) -> None:
    together = score_pairs(model, PAIRS, PAD)
    backwards = score_pairs(model, PAIRS[::-1], PAD, tokens_per_batch=1)
    assert backwards[::-1] == pytest.approx(together, abs=1e-4)
    assert np.array_equal(score_pairs(model, PAIRS, pad_id=33), together)


def test_the_same_pairs_give_the_same_bits(model) -> None:
    first = score_pairs(model, PAIRS, PAD)
    assert first.tobytes() == score_pairs(model, PAIRS, PAD).tobytes()


def test_a_row_is_the_one_of_the_picture() -> None:
    rows = stack_pairs(PAIRS[:1], PAD)
    assert rows["tokens"][0, :9].tolist() == [5, 6, 7, 8, 7, 10, 11, 12, PAD]
    assert rows["segments"][0, :9].tolist() == [0, 0, 1, 1, 2, 2, 2, 2, 3]
    assert rows["targets"][0, 2:8].tolist() == [8, 9, 10, 11, 12, 13]
    assert rows["positions"][0, :8].tolist() == [0, 1, 2, 3, 2, 3, 4, 5]


def test_every_token_of_an_answer_is_counted() -> None:
    counts = count_answer_tokens(to_batch(PAIRS))
    assert counts.tolist() == [[2, 4], [30, 1], [1, 2]]


@settings(deadline=None)
@given(st.lists(st.integers(2, 200), max_size=40), st.integers(1, 1000))
def test_every_pair_is_in_one_batch_and_no_batch_is_too_large(
    lengths: list[int], tokens_per_batch: int
) -> None:
    batches = list(length_batches(lengths, tokens_per_batch))
    assert sorted(itertools.chain(*batches)) == list(range(len(lengths)))
    for batch in batches:
        width = max(-(-lengths[i] // 16) * 16 for i in batch)
        assert len(batch) == 1 or width * len(batch) <= tokens_per_batch
