"""Examples: the assistant's words and the end of its turn count, nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.finetune.conversations import build_examples, fit_example

DIALOGUE = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": "Two."},
    {"role": "user", "content": "Three?"},
    {"role": "assistant", "content": "Four."},
]


def row(messages: list[dict], name: str = "a") -> dict:
    return {"id": name, "messages": messages}


def test_the_mask_covers_the_assistants_words_and_the_ends_of_turn(tokenizer) -> None:
    ((ids, mask),) = build_examples(tokenizer, [row(DIALOGUE)], 200).examples
    counted = [i for i, counts in zip(ids, mask, strict=True) if counts]
    end = tokenizer.end_of_turn_id
    expected = [*tokenizer.encode("Two."), end, *tokenizer.encode("Four."), end]
    assert counted == expected


def test_tools_come_first_and_a_call_counts_but_its_result_does_not(tokenizer) -> None:
    call = {"role": "assistant", "tool_calls": [{"name": "add", "arguments": {"a": 1}}]}
    result = {"role": "tool", "content": "three"}
    given = row([DIALOGUE[1], call, result]) | {"tools": [{"name": "add"}]}
    ((ids, mask),) = build_examples(tokenizer, [given], 400).examples
    counted = tokenizer.decode([i for i, m in zip(ids, mask, strict=True) if m])
    assert '"add"' in counted and "three" not in counted
    whole = tokenizer.decode(ids)
    assert whole.index('"add"') < whole.index("One?") < whole.rindex('"add"')


def test_a_conversation_that_fits_is_kept_as_it_is(tokenizer) -> None:
    built = build_examples(tokenizer, [row(DIALOGUE)] * 3, 200)
    assert built.n_rows == 3 and not built.shortened and not built.dropped
    assert built.receipt()["counted_tokens"] == 3 * 11


def test_a_long_one_keeps_its_last_answer_and_is_named(tokenizer) -> None:
    built = build_examples(tokenizer, [row(DIALOGUE, "long")], 12)
    ((ids, mask),) = built.examples
    assert len(ids) == 12 and built.shortened == ["long"]
    assert ids[0] == tokenizer.endoftext_id and not mask[0]
    assert tokenizer.decode([i for i, m in zip(ids, mask, strict=True) if m]) == "Four."


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (DIALOGUE[:2], "no answer"),
        ([{"role": "assistant", "content": "x" * 50}], "answer too long"),
    ],
)
def test_what_teaches_nothing_is_left_out_and_named(
    tokenizer, messages: list[dict], reason: str
) -> None:
    built = build_examples(tokenizer, [row(messages, "b"), row(DIALOGUE)], 48)
    assert len(built.examples) == 1 and built.n_rows == 2
    assert built.receipt()["dropped"] == {reason: {"count": 1, "for_example": ["b"]}}


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(2, 30))
def test_shortening_keeps_the_last_answer_whole(
    mask: list[bool], max_tokens: int
) -> None:
    mask = [False, *mask, True]
    ids = list(range(len(mask)))
    fitted = fit_example(ids, mask, max_tokens)
    end = len(mask)
    start = max(i for i in range(end) if not mask[i]) + 1
    if fitted is None:
        assert end - start > max_tokens - 2
        return
    kept, counted = fitted
    assert len(kept) <= max_tokens and kept[0] == 0
    assert kept[-(end - start) :] == ids[start:]
    assert counted == [mask[i] for i in kept]
