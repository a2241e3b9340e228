import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.json_rows import json_rows, jsonl_rows
from scratchlm.corpus.receipt import Step


def test_a_bad_line_costs_that_line_and_is_named():
    step = Step("rows")
    text = '{"a": 1}\n\n{"a": 2\r\n' + "[" * 100_000 + '\n{"a":"\u2028"}\nNaN'
    rows = list(jsonl_rows(text, "f.jsonl", step))
    assert rows[0] == (1, {"a": 1})
    assert rows[1] == (5, {"a": "\u2028"})
    assert step.dropped["not JSON"].examples == ["f.jsonl:3", "f.jsonl:4"]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('["x", {"a": 1}]', ["x", {"a": 1}]),
        ('{"version": 1, "data": ["x", "y"]}', ["x", "y"]),
        ('{"data": [{"a": 1}], "tags": []}', [{"a": 1}]),
        ('{"text": "x", "sizes": [1, 2]}', [{"text": "x", "sizes": [1, 2]}]),
        ('"x"', ["x"]),
    ],
)
def test_rows_are_found_in_lists_and_one_level_below(text, rows):
    assert [row for _, row in json_rows(text)] == rows


@pytest.mark.parametrize("text", ["{", "", "3", "null", "[1,]", "9" * 5000])
def test_a_file_without_text_is_unreadable(text):
    with pytest.raises(UnreadableError):
        list(json_rows(text))
