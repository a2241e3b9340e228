import csv

import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.tabular import csv_rows


def read(text: str, *arguments) -> list:
    return list(csv_rows(text.splitlines(keepends=True), *arguments))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_in_the_header(separator):
    text = f"id{separator}text\n1{separator}hello\n"
    assert read(text) == [(1, {"id": "1", "text": "hello"})]


def test_a_separator_that_the_name_promises_is_taken():
    assert read("a,b\tc\n1,2\t3\n", "\t") == [(1, {"a,b": "1,2", "c": "3"})]


def test_quoted_fields_hold_newlines_separators_and_much_text():
    long = "word " * 50_000
    rows = read(f'text,n\n"a, b\nc ""d""",1\n"{long}",2\n')
    assert rows[0] == (1, {"text": 'a, b\nc "d"', "n": "1"})
    assert rows[1][1]["text"] == long


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends_are_line_ends(end):
    rows = [row for _, row in csv_rows([f"a,b{end}1,2{end}", f"3,4{end}"])]
    assert [row["a"] for row in rows] == ["1", "3"]


def test_a_quote_that_is_never_closed_does_not_take_the_memory():
    def lines():
        yield "text\n"
        yield "good\n"
        yield '"open\n'
        for _ in range(10**9):
            yield "more and more of it\n"

    rows = csv_rows(lines(), most_chars=10_000)
    assert next(rows) == (1, {"text": "good"})
    with pytest.raises(UnreadableError, match="damaged CSV"):
        next(rows)


def test_the_field_limit_of_the_process_is_left_as_it_was():
    before = csv.field_size_limit()
    read("a,b\n1,2\n")
    assert csv.field_size_limit() == before


def test_ragged_rows_are_rows():
    assert [row["a"] for _, row in read("a,b\n1\n2,3,4\n")] == ["1", "2"]
