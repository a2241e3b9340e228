import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.json_rows import json_rows, jsonl_rows, list_rows
from scratchlm.corpus.readers.lines import read_lines

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(0, 9),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def test_a_bad_line_costs_that_line_and_is_named():
    text = '{"a": 1}\n\n{"a": 2\r\n' + "[" * 100_000 + '\n{"a":"\u2028"}\nNaN'
    failed = []
    lines = read_lines(io.BufferedReader(io.BytesIO(text.encode())), 2**20)
    rows = jsonl_rows(lines, bytes.decode, lambda *row: failed.append(row))
    assert [next(rows), next(rows)] == [(1, {"a": 1}), (5, {"a": "\u2028"})]
    assert [(number, why) for number, why, _ in failed] == [
        (3, "not JSON"),
        (4, "not JSON"),
    ]


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


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES), st.integers(1, 7), st.sampled_from([None, 1]))
def test_a_list_read_in_small_pieces_gives_what_the_whole_does(values, n, indent):
    text = io.StringIO(json.dumps(values, indent=indent))
    rows = list_rows(lambda _: text.read(n), 10**6)
    assert [value for _, value in rows] == values


@pytest.mark.parametrize(
    "end", ["", '{"a": "b', '{"a" 1}]', "12", "}", '"\x01"]', ", ]"]
)
def test_of_a_damaged_list_the_elements_before_the_damage_are_given(end):
    good = [{"a": n} for n in range(300)]
    text = io.StringIO("[" + "".join(json.dumps(row) + "," for row in good) + end)
    found = []
    with pytest.raises(UnreadableError, match="damaged JSON"):
        for _, row in list_rows(text.read, 10**6):
            found.append(row)
    assert found[:300] == good and len(found) <= 301


def test_a_list_without_end_is_not_read_into_memory():
    n_read = 0

    def endless(n: int) -> str:
        nonlocal n_read
        n_read += n
        return '["' + "x" * (n - 2) if n_read == n else "x" * n

    with pytest.raises(UnreadableError, match="longer than 1000000"):
        list(list_rows(endless, 10**6))
    assert n_read < 5 * 10**6
