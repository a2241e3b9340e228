import pytest

from scratchlm.corpus.decontaminate.config import DecontaminateConfig
from scratchlm.corpus.decontaminate.item_fields import read_item_rows

CONFIG = DecontaminateConfig()


def one(row, config=CONFIG):
    [item] = read_item_rows("task", iter([row]), config)
    return item


@pytest.mark.parametrize(
    ("row", "prompt", "choices", "answers"),
    [
        (
            {"question": "Which?", "choices": ["a b", "c d"], "answer": 1},
            *("Which?", ("a b", "c d"), ("c d",)),
        ),
        (
            {"question": "Which?", "choice0": "x", "choice1": "y", "answer": "1"},
            *("Which?", ("x", "y"), ("y",)),
        ),
        (
            {"Question": "Which?", "A": "x", "B": "y", "Answer": "B"},
            *("Which?", ("x", "y"), ("y",)),
        ),
        (
            {
                "question": "Which?",
                "choices": {"text": ["x", "y"], "label": ["1", "2"]},
                "answerKey": "1",
            },
            *("Which?", ("x", "y"), ("x",)),
        ),
        (
            {
                "question": {
                    "stem": "Which?",
                    "choices": [
                        {"text": "x", "label": "A"},
                        {"text": "y", "label": "B"},
                    ],
                },
                "answerKey": "B",
            },
            *("Which?", ("x", "y"), ("y",)),
        ),
        (
            {"goal": "Do it", "sol1": "thus", "sol2": "so", "label": 0},
            *("Do it", ("thus", "so"), ("thus",)),
        ),
        (
            {"sentence": "He _ it", "option1": "x", "option2": "y", "answer": "2"},
            *("He _ it", ("x", "y"), ("y",)),
        ),
        ({"question": "1 + 1?", "answer": "#### 2"}, "1 + 1?", (), ("#### 2",)),
        ({"context": "25-7=", "continuation": "18"}, "25-7=", (), ("18",)),
        ({"input": "Sort: b a", "target": "a b"}, "Sort: b a", (), ("a b",)),
        (
            {"prompt": "def f():", "canonical_solution": "  return 1"},
            *("def f():", (), ("return 1",)),
        ),
        (
            {"query": "Passage: p\nQuestion: q\nAnswer: ", "choices": ["no", "yes"]},
            *("p\nQuestion: q", ("no", "yes"), ()),
        ),
        (
            {"sentence_good": "Who left?", "sentence_bad": "Left who?"},
            *("Who left?", ("Left who?",), ()),
        ),
        (
            {
                "Question": "Why?",
                "Best Answer": "So",
                "Correct Answers": "So; Because",
                "Incorrect Answers": "No; Never",
            },
            *("Why?", ("No", " Never"), ("So", "Because")),
        ),
    ],
)
def test_fields_are_known_by_name(row, prompt, choices, answers):
    item = one(row)
    assert item.prompts == (prompt,)
    assert item.choices == choices
    assert item.answers == answers


def test_items_are_found_deep_down_and_a_passage_is_no_part_of_them():
    value = {
        "version": "1",
        "data": [
            {
                "paragraphs": [
                    {
                        "context": "A passage from somewhere.",
                        "qas": [
                            {
                                "question": "Whence?",
                                "id": "q1",
                                "answers": [{"text": "there", "answer_start": 3}],
                            }
                        ],
                    }
                ]
            }
        ],
    }
    item = one(value)
    assert (item.name, item.prompts, item.answers) == (
        *("task:q1", ("Whence?",)),
        ("there",),
    )


def test_ids_are_own_ones_where_they_are_unique_else_numbers():
    rows = [{"id": "x", "question": "a"}, {"id": "y", "question": "b"}]
    assert [i.id for i in read_item_rows("t", iter(rows), CONFIG)] == ["x", "y"]
    rows[1]["id"] = "x"
    assert [i.id for i in read_item_rows("t", iter(rows), CONFIG)] == ["1", "2"]


def test_fields_of_other_names_can_be_said():
    row = {"Frage": "Wer?", "Antwort": "ich", "Wahl": ["du", "ich"]}
    config = DecontaminateConfig(
        prompt_field="Frage", answer_field="Antwort", choices_field="Wahl"
    )
    item = one(row, config)
    assert (item.prompts, item.answers) == (("Wer?",), ("ich",))
    assert item.choices == ("du", "ich")


def test_rows_without_a_question_are_no_items():
    rows = [{"name": "x"}, 3, None, {"question": ""}, {"question": "Who?"}]
    assert len(read_item_rows("t", iter(rows), CONFIG)) == 1
