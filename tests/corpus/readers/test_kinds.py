import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.kinds import kind_of, separator_of


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("notes.txt", b"hello", "text"),
        ("README", b"hello", "text"),
        ("a/b.py", b"print()", "text"),
        ("page.HTM", b"hello", "html"),
        ("page", b"\n<!DOCTYPE html><p>x", "html"),
        ("rows.jsonl.gz", b"{}", "jsonl"),
        ("rows.ndjson", b"{}", "jsonl"),
        ("x.json.xz", b"{}", "json"),
        ("t.tsv.zst", b"a\tb", "csv"),
        ("t.parquet", b"PAR1....", "parquet"),
        ("unnamed", b"PAR1....", "parquet"),
        ("x.zip", b"PK\x03\x04", "zip"),
        ("x.tar.xz", b"", "tar"),
        ("x.tgz", b"", "tar"),
    ],
)
def test_a_name_or_the_first_bytes_say_what_a_file_is(name, data, kind):
    assert kind_of(name, data) == kind


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("x.txt", b"%PDF-1.7", "PDF"),
        ("x.docx", b"PK\x03\x04", ".docx"),
        ("x.epub.gz", b"PK\x03\x04", ".epub"),
        ("x", b"\x7fELF", "ELF"),
        ("x.parquet", b"garbage", "damaged parquet"),
    ],
)
def test_a_format_that_is_not_read_is_named(name, data, reason):
    with pytest.raises(UnreadableError, match=reason):
        kind_of(name, data)


def test_a_tsv_file_promises_tabs():
    assert separator_of("a.tsv.gz") == "\t"
    assert separator_of("a.csv") is None
