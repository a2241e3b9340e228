import math

import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.row_texts import Fields, Text, row_texts

LONG = "a long enough line of text to be taken for prose, " * 2


def texts(rows: list, named: str | None = None) -> tuple[list[Text], list]:
    left_out = []
    found = row_texts(
        enumerate(rows, start=1), Fields(named), lambda *row: left_out.append(row)
    )
    return list(found), left_out


def test_the_first_known_field_holds_the_text_and_strings_are_texts():
    rows = [{"id": 1, "content": "b", "text": "a"}, {"content": "c"}, "d"]
    found, left_out = texts(rows)
    assert [(t.row, t.text) for t in found] == [(1, "a"), (2, "c"), (3, "d")]
    assert left_out == []


def test_the_named_field_counts_alone():
    found, left_out = texts([{"q": "yes", "text": "no"}, {"text": "no"}, "no"], "q")
    assert [t.text for t in found] == ["yes"]
    assert left_out == [(2, ["text"]), (3, ["str"])]


def test_without_a_known_name_the_column_that_reads_like_text_is_taken():
    rows = [{"key": f"{n}" * 20, "answer": LONG} for n in range(300)]
    assert [t.text for t in texts(rows)[0]] == [LONG] * 300


def test_short_fields_are_no_text_and_no_row_is_forgotten():
    found, left_out = texts([{"a": "x", "b": 2}, {"text": 5}, 7, None])
    assert found == []
    assert [number for number, _ in left_out] == [1, 2, 3, 4]


def test_what_a_row_says_of_itself_goes_with_it():
    row = {"text": "a", "license": "MIT\ud800", "url": "https://x", "lang": "de"}
    (found,), _ = texts([row])
    assert found.facts == {"licence": "MIT\ufffd", "url": "https://x", "language": "de"}


def test_columns_that_are_asked_for_are_kept():
    rows = [(1, {"text": "a", "score": 0.5, "tags": ["x"], "id": "7\n"})]
    fields = Fields(None, ("score", "tags", "id", "none"))
    (found,) = row_texts(rows, fields, lambda *_: None)
    assert found.facts == {"score": 0.5, "id": "7\ufffd"}


def test_a_number_that_json_has_not_is_not_kept():
    for score in (math.nan, math.inf):
        rows = [(1, {"text": "a", "score": score})]
        (found,) = row_texts(rows, Fields(None, ("score",)), lambda *_: None)
        assert found.facts == {}


@pytest.mark.parametrize("n_good", [3, 500])
def test_rows_before_damage_are_given_before_the_damage_is_told(n_good):
    def rows():
        yield from ((n, {"text": f"{n}"}) for n in range(n_good))
        raise UnreadableError("damaged")

    found = row_texts(rows(), Fields(), lambda *_: None)
    assert [next(found).text for _ in range(n_good)] == [f"{n}" for n in range(n_good)]
    with pytest.raises(UnreadableError, match="damaged"):
        next(found)


def test_rows_of_many_megabytes_are_not_gathered_to_choose_a_column():
    taken = []

    def rows():
        for n in range(100):
            taken.append(n)
            yield n, {"text": "x" * 2**20}

    next(row_texts(rows(), Fields(), lambda *_: None))
    assert len(taken) < 10
