import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.decisions import (
    Applied,
    Decision,
    cut_text,
    read_decisions,
    write_decisions,
)
from scratchlm.corpus.flow.table import read_batches, write_documents


def texts_left(documents, *steps):
    applied = Applied(steps)
    return {
        document.id: document.text
        for batch in read_batches(documents)
        for document in applied.apply(batch).documents()
    }


@pytest.fixture
def documents(tmp_path):
    path = tmp_path / "documents"
    write_documents(path, [Document(str(n), f"{n}äöü{n}", "s") for n in range(4)])
    return path


def test_decisions_come_back_in_order(tmp_path):
    decisions = [Decision(3, reason="b", of="x", value=0.5), Decision(1, 2, 4, "a")]
    write_decisions(tmp_path / "d", decisions)
    assert read_decisions(tmp_path / "d") == decisions[::-1]
    assert [decision.drops for decision in decisions] == [True, False]


def test_rows_go_and_bytes_are_cut(tmp_path, documents):
    write_decisions(tmp_path / "d", [Decision(1), Decision(2, 1, 3), Decision(2, 5, 7)])
    assert texts_left(documents, tmp_path / "d") == {
        "0": "0äöü0",
        "2": "2ö2",
        "3": "3äöü3",
    }


def test_a_later_step_cuts_what_the_earlier_one_left(tmp_path, documents):
    write_decisions(tmp_path / "one", [Decision(0, 0, 3)])
    write_decisions(tmp_path / "two", [Decision(0, 0, 2), Decision(3)])
    left = texts_left(documents, tmp_path / "one", tmp_path / "two")
    assert left == {"0": "ü0", "1": "1äöü1", "2": "2äöü2"}


def test_a_cut_of_no_bytes_changes_nothing(tmp_path, documents):
    write_decisions(tmp_path / "d", [Decision(0, 0, 0, "seen")])
    assert texts_left(documents, tmp_path / "d") == texts_left(documents)


@given(st.text(max_size=20), st.lists(st.integers(0, 20), max_size=6))
def test_what_is_cut_and_what_is_left_make_the_text(text, places):
    places = sorted(min(place, len(text)) for place in places)
    if len(places) % 2:
        places.pop()
    spans = list(zip(places[::2], places[1::2], strict=True))
    sizes = [
        len(text[:place].encode("utf-8", "surrogatepass"))
        for place in range(len(text) + 1)
    ]
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    cuts = [(sizes[begin], sizes[end]) for begin, end in spans]
    left = "".join(
        character
        for place, character in enumerate(text)
        if not any(begin <= place < end for begin, end in spans)
    )
    assert cut_text(text, cuts) == left
