import pytest

from scratchlm.corpus.cleaning.code import is_code
from scratchlm.corpus.document import Document


@pytest.mark.parametrize(
    "name", ["a/b.py", "x.tar!/src/main.C", "Makefile", "lib.rs.gz", ".env", "a.TSX"]
)
def test_a_source_file_is_known_by_its_name(name):
    assert is_code(Document(name, "", "s"))


@pytest.mark.parametrize(
    "name", ["a.txt", "page.html", "notes.md", "code.jsonl:0000012", "x.py:0000001", ""]
)
def test_prose_and_rows_of_tables_are_not_code(name):
    assert not is_code(Document(name, "", "s"))


def test_what_a_reader_says_counts_before_the_name():
    assert is_code(Document("rows.parquet:0000001", "", "s", {"kind": "code"}))
    assert is_code(Document("os", "", "stdlib", {"module": "os"}))
