"""Preference accuracy: by mean log-probability, compared on the same pairs."""

import pytest
import torch

from scratchlm.align.accuracy import (
    PairScore,
    compare_accuracy,
    preference_accuracy,
    summarise_accuracy,
)
from scratchlm.tokenizer.chat import render_conversation


def build_scores(right: list[bool], kind: str = "hard", n_groups: int = 1000) -> list:
    margins = [1.0 if r else -1.0 for r in right]
    return [
        PairScore(f"{kind}/{i}", kind, m, 0.0, i % n_groups)
        for i, m in enumerate(margins)
    ]


def test_a_score_is_the_mean_over_the_answer_and_its_end(
    model, tokenizer, rows
) -> None:
    (score,) = preference_accuracy(model, tokenizer, rows[:1])
    said = {"role": "assistant", "content": rows[0]["chosen"]}
    ids, mask = render_conversation(tokenizer, [*rows[0]["prompt"], said])
    logp = torch.log_softmax(model(torch.tensor([ids[:-1]])), -1)[0]
    logp = logp[torch.arange(len(ids) - 1), torch.tensor(ids[1:])]
    expected = logp[torch.tensor(mask[1:])].mean().item()
    assert score.chosen == pytest.approx(expected, abs=1e-5)


def test_swapping_the_answers_swaps_the_verdict(model, tokenizer, rows) -> None:
    swapped = [{**r, "chosen": r["rejected"], "rejected": r["chosen"]} for r in rows]
    first = preference_accuracy(model, tokenizer, rows)
    second = preference_accuracy(model, tokenizer, swapped)
    for one, other in zip(first, second, strict=True):
        assert one.margin == pytest.approx(-other.margin, abs=1e-5)
        assert one.is_right != other.is_right


def test_pairs_that_share_an_answer_are_one_group_within_their_kind(
    model, tokenizer, rows
) -> None:
    said = [("a", "b"), ("b", "a"), ("c", "d"), ("e", "d"), ("a", "x")]
    changed = [
        {**row, "kind": "hard" if i < 4 else "truncated", "chosen": c, "rejected": r}
        for i, (row, (c, r)) in enumerate(zip(rows, said, strict=False))
    ]
    scores = preference_accuracy(model, tokenizer, changed)
    assert [s.group for s in scores] == [0, 0, 1, 1, 2]


def test_kinds_are_counted_apart() -> None:
    scores = build_scores([True, False]) + build_scores([True] * 3, "off_topic")
    report = summarise_accuracy(scores)
    assert report["hard"]["accuracy_frac"]["value"] == 0.5
    assert report["off_topic"]["accuracy_frac"]["value"] == 1.0
    assert report["off_topic"]["n_pairs"] == 3


def test_a_tie_is_not_right() -> None:
    assert not PairScore("a", "hard", -1.0, -1.0, 0).is_right


def test_a_clear_rise_excludes_zero_and_no_change_does_not() -> None:
    before = build_scores([True, False] * 100)
    after = build_scores([True, True, True, False] * 50)
    change = compare_accuracy(before, after)["hard"]
    assert change["change_frac"]["value"] == 0.25
    assert change["rises"] and change["excludes_zero"]
    same = compare_accuracy(before, before)["hard"]
    assert not same["rises"] and not same["excludes_zero"]


def test_many_pairs_of_few_answers_are_little_evidence() -> None:
    before = [build_scores([False] * 200, n_groups=n) for n in (200, 4)]
    after = [
        build_scores([i % 4 == 0 for i in range(200)], n_groups=n) for n in (200, 4)
    ]
    many, few = (
        compare_accuracy(b, a)["hard"] for b, a in zip(before, after, strict=True)
    )
    assert many["excludes_zero"] and not few["excludes_zero"]


def test_models_are_only_compared_on_the_same_pairs() -> None:
    with pytest.raises(AssertionError):
        compare_accuracy(build_scores([True]), build_scores([True, True]))
