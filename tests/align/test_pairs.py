"""Pairs: one prompt, two answers, nothing else counted, nothing lost in silence."""

import pytest

from scratchlm.align.pairs import build_pairs, fit_prompt
from scratchlm.tokenizer.chat import render_conversation

MESSAGES = [{"role": "user", "content": "Why?"}]
ROW = {
    "id": "a",
    "kind": "hard",
    "prompt": MESSAGES,
    "chosen": "So.",
    "rejected": "Because of it.",
}


def test_an_answer_is_what_is_said_and_the_end_of_turn(tokenizer) -> None:
    (pair,) = build_pairs(tokenizer, [ROW], 64).pairs
    assert tokenizer.decode(pair.chosen[:-1]) == "So."
    assert tokenizer.decode(pair.rejected[:-1]) == "Because of it."
    end = tokenizer.end_of_turn_id
    assert pair.chosen[-1] == pair.rejected[-1] == end


def test_the_prompt_is_that_of_generation(tokenizer) -> None:
    (pair,) = build_pairs(tokenizer, [ROW], 64).pairs
    prompt, _ = render_conversation(tokenizer, MESSAGES, add_generation_prompt=True)
    assert list(pair.prompt) == prompt


def test_earlier_answers_of_a_dialogue_belong_to_the_prompt(tokenizer) -> None:
    said = [*MESSAGES, {"role": "assistant", "content": "No."}, *MESSAGES]
    (pair,) = build_pairs(tokenizer, [{**ROW, "prompt": said}], 64).pairs
    assert tokenizer.decode(pair.prompt) == "Why?No.Why?"
    assert tokenizer.decode(pair.chosen) == "So."


def test_a_long_prompt_loses_its_beginning_and_is_named(tokenizer) -> None:
    row = {**ROW, "prompt": [{"role": "user", "content": "x" * 50 + "end"}]}
    built = build_pairs(tokenizer, [row], 32)
    (pair,) = built.pairs
    assert len(pair.prompt) + len(pair.rejected) == 32 and built.shortened == ["a"]
    assert pair.prompt[0] == tokenizer.endoftext_id
    kept = tokenizer.decode(pair.prompt)
    assert set(kept) == set("xend") and kept.endswith("xend")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"rejected": "So."}, "equal answers"), ({"chosen": "x" * 40}, "answer too long")],
)
def test_a_pair_that_teaches_nothing_is_left_out_and_named(
    tokenizer, changed: dict, reason: str
) -> None:
    built = build_pairs(tokenizer, [{**ROW, **changed}, ROW], 32)
    assert [pair.id for pair in built.pairs] == ["a"]
    assert built.receipt()["dropped"] == {reason: {"count": 1, "for_example": ["a"]}}


def test_a_prompt_that_fits_is_not_touched() -> None:
    assert fit_prompt([0, 1, 2], n_answer_tokens=2, max_tokens=5) == [0, 1, 2]
    assert fit_prompt([0, 1, 2], n_answer_tokens=2, max_tokens=4) == [0, 2]
    assert fit_prompt([0, 1, 2], n_answer_tokens=3, max_tokens=4) is None
