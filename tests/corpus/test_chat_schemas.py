"""Dialects of conversations and pairs, as a table; and rows that fit none."""

import pytest

from scratchlm.corpus.chat_schemas import (
    BadRowError,
    parse_conversation,
    parse_preference,
)

USER, ASSISTANT = (
    {"role": "user", "content": "Hello?"},
    {"role": "assistant", "content": "Hello!"},
)
SYSTEM = {"role": "system", "content": "Be kind."}
HUMAN, GPT = ({"from": "human", "value": "Hello?"}, {"from": "gpt", "value": "Hello!"})
CALL = {"from": "function_call", "value": "{}"}


@pytest.mark.parametrize(
    ("schema", "row"),
    [
        ("messages", {"messages": [USER, ASSISTANT]}),
        ("messages", {"messages": [USER, ASSISTANT, USER], "id": 1}),
        ("sharegpt", {"conversations": [HUMAN, GPT]}),
        ("alpaca", {"instruction": "Hello?", "input": "", "output": "Hello!"}),
        ("alpaca", {"instruction": "Hello?", "output": "Hello!"}),
        ("alpaca", {"instruction": "Hello?", "input": None, "output": "Hello!"}),
        ("prompt-response", {"prompt": "Hello?", "response": "Hello!"}),
        ("prompt-completion", {"prompt": "Hello?", "completion": "Hello!</s>"}),
        ("question-answer", {"question": "Hello?", "answer": "Hello!"}),
    ],
)
def test_every_dialect_gives_the_same_conversation(schema, row):
    assert parse_conversation(row) == (schema, [USER, ASSISTANT])


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [SYSTEM, USER, ASSISTANT, USER, ASSISTANT]},
        {"conversations": [HUMAN, GPT, HUMAN, GPT], "system": "Be kind."},
    ],
)
def test_turns_and_the_system_message_are_kept(row):
    expected = [SYSTEM, USER, ASSISTANT, USER, ASSISTANT]
    assert parse_conversation(row)[1] == expected


def test_an_input_stands_below_its_instruction():
    row = {"instruction": "Add.", "input": "1, 2", "output": "3"}
    assert parse_conversation(row)[1][0]["content"] == "Add.\n\n1, 2"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("text", "not a JSON object"),
        ({"title": "a", "body": "b"}, "unknown fields body, title"),
        ({"messages": []}, "not a list, or empty"),
        ({"messages": [USER]}, "do not alternate"),
        ({"messages": [ASSISTANT]}, "do not alternate"),
        ({"messages": [USER, USER, ASSISTANT]}, "do not alternate"),
        (
            {"messages": [USER, {"role": "assistant", "content": None}]},
            "without a text",
        ),
        ({"messages": [USER, {"role": [], "content": "x"}]}, "role"),
        ({"conversations": [HUMAN, CALL, GPT]}, "role 'function_call'"),
        ({"question": "Hello?", "answer": " "}, "an empty message"),
        ({"question": "Hello?", "answer": 4}, "'answer' is not a text"),
    ],
)
def test_a_row_that_fits_nothing_says_why(row, reason):
    with pytest.raises(BadRowError, match=reason):
        parse_conversation(row)


BYE = {"role": "assistant", "content": "Bye."}
START = "\n\nHuman: Hello?\n\nAssistant:"


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hello?", "chosen": "Hello!", "rejected": "Bye."},
        {"instruction": "Hello?", "input": "", "chosen": "Hello!", "rejected": "Bye."},
        {"question": "Hello?", "chosen": "Hello!", "rejected": "Bye."},
        {"prompt": [USER], "chosen": [ASSISTANT], "rejected": [BYE]},
        {"prompt": "Hello?", "chosen": [ASSISTANT], "rejected": [BYE]},
        {"chosen": [USER, ASSISTANT], "rejected": [USER, BYE]},
        {"prompt": "Hello?", "chosen": [USER, ASSISTANT], "rejected": [USER, BYE]},
        {
            "conversations": [HUMAN],
            "chosen": GPT,
            "rejected": {"from": "gpt", "value": "Bye."},
        },
        {"chosen": f"{START} Hello!", "rejected": f"{START} Bye."},
    ],
)
def test_every_dialect_gives_the_same_pair(row):
    expected = {"prompt": [USER], "chosen": "Hello!", "rejected": "Bye."}
    assert parse_preference(row)[1] == expected


def test_paragraphs_of_a_transcript_stay_together():
    text = "\n\nHuman: One.\n\nTwo.\n\nAssistant: Three.\n\nFour."
    pair = parse_preference({"chosen": text, "rejected": text + " Five."})[1]
    assert pair["prompt"] == [{"role": "user", "content": "One.\n\nTwo."}]
    assert pair["chosen"] == "Three.\n\nFour."


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([1], "not a JSON object"),
        ({"prompt": "Hello?", "response": "x"}, "no chosen and rejected"),
        ({"chosen": "a", "rejected": "b"}, "does not end with a question"),
        (
            {"prompt": " ", "chosen": "a", "rejected": "b"},
            "does not end with a question",
        ),
        ({"prompt": "Hello?", "chosen": "a", "rejected": "a"}, "equals rejected"),
        ({"prompt": "Hello?", "chosen": "", "rejected": "a"}, "chosen is empty"),
        (
            {"prompt": "Hello?", "chosen": [USER], "rejected": "a"},
            "not the assistant's",
        ),
        (
            {"chosen": [USER, ASSISTANT], "rejected": [SYSTEM, USER, BYE]},
            "the prompts inside chosen and rejected differ",
        ),
    ],
)
def test_a_pair_that_fits_nothing_says_why(row, reason):
    with pytest.raises(BadRowError, match=reason):
        parse_preference(row)
