from scratchlm.corpus.readers.row_texts import Text, row_texts
from scratchlm.corpus.receipt import Step

LONG = "a long enough line of text to be taken for prose, " * 2


def texts(rows: list, named: str | None = None) -> tuple[list[Text], Step]:
    step = Step("rows")
    found = list(row_texts(enumerate(rows, start=1), named, "f", step))
    return found, step


def test_the_first_known_field_holds_the_text_and_strings_are_texts():
    rows = [{"id": 1, "content": "b", "text": "a"}, {"content": "c"}, "d"]
    found, step = texts(rows)
    assert [(t.row, t.text) for t in found] == [(1, "a"), (2, "c"), (3, "d")]
    assert step.kept == 3


def test_the_named_field_counts_alone():
    found, step = texts([{"q": "yes", "text": "no"}, {"text": "no"}, "no"], "q")
    assert [t.text for t in found] == ["yes"]
    (drop,) = step.dropped.values()
    assert drop.count == 2
    assert drop.examples[0] == {"name": "f:2", "fields": ["text"]}


def test_without_a_known_name_the_column_that_reads_like_text_is_taken():
    rows = [{"key": f"{n}" * 20, "answer": LONG} for n in range(300)]
    assert [t.text for t in texts(rows)[0]] == [LONG] * 300


def test_short_fields_are_no_text_and_no_row_is_forgotten():
    found, step = texts([{"a": "x", "b": 2}, {"text": 5}, 7, None])
    assert found == []
    assert step.to_json()["in"] == 4


def test_a_licence_goes_with_its_row():
    found, _ = texts([{"text": "a", "license": "MIT\ud800"}, {"text": "b"}])
    assert [t.licence for t in found] == ["MIT\ufffd", None]
