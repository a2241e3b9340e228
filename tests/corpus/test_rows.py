import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.base.errors import UserError
from scratchlm.corpus.rows import read_rows, write_rows

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ROWS = st.lists(st.dictionaries(TEXT, TEXT | st.integers(), max_size=3), max_size=5)


@settings(max_examples=10, deadline=None)
@given(ROWS)
def test_rows_come_back_as_they_were_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "a.jsonl"
    assert write_rows(path, rows) == len(rows)
    assert list(read_rows(path)) == rows
    assert path.read_bytes().count(b"\n") == len(rows)


@pytest.mark.parametrize("bad", [b'{"a": 1', b"[1]", b'{"a": "\xff"}', b"word"])
def test_a_bad_line_is_named_by_its_number(tmp_path, bad):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n\n' + bad + b"\n")
    with pytest.raises(UserError, match=r"a\.jsonl, line 3 is not a JSON object"):
        list(read_rows(path))


def test_a_missing_file_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        list(read_rows(tmp_path / "none.jsonl"))
