import csv

import pytest

from scratchlm.corpus.readers.tabular import csv_rows


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_in_the_header(separator):
    text = f"id{separator}text\n1{separator}hello\n"
    assert list(csv_rows(text)) == [(1, {"id": "1", "text": "hello"})]


def test_a_separator_that_the_name_promises_is_taken():
    assert list(csv_rows("a,b\tc\n1,2\t3\n", "\t")) == [(1, {"a,b": "1,2", "c": "3"})]


def test_quoted_fields_hold_newlines_separators_and_much_text():
    long = "word " * 50_000
    rows = list(csv_rows(f'text,n\n"a, b\nc ""d""",1\n"{long}",2\n'))
    assert rows[0] == (1, {"text": 'a, b\nc "d"', "n": "1"})
    assert rows[1][1]["text"] == long


def test_the_field_limit_of_the_process_is_left_as_it_was():
    before = csv.field_size_limit()
    list(csv_rows("a,b\n1,2\n"))
    assert csv.field_size_limit() == before


def test_ragged_rows_are_rows():
    assert [row["a"] for _, row in csv_rows("a,b\n1\n2,3,4\n")] == ["1", "2"]
