import gzip
import io
import zipfile

import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.kinds import (
    kind_of,
    kind_of_content,
    separator_of,
    split_unit,
)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("notes.txt", b"hello", "text"),
        ("README", b"hello", "text"),
        ("a/b.py", b"print()", "text"),
        ("page.HTM", b"hello", "html"),
        ("page", b"\n<!DOCTYPE html><p>x", "html"),
        ("page", b"<?xml version='1.0'?><!-- x --><html>", "html"),
        ("rows.jsonl.gz", b"{}", "jsonl"),
        ("rows.jsonl@67108864", b"{}", "jsonl"),
        ("rows.ndjson", b"{}", "jsonl"),
        ("x.json.xz", b"{}", "json"),
        ("x.json", b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("t.tsv.zst", b"a\tb", "csv"),
        ("t.parquet", b"PAR1....", "parquet"),
        ("unnamed", b"PAR1....", "parquet"),
        ("x.zip", b"PK\x03\x04", "zip"),
        ("x.tar.xz", b"", "tar"),
        ("x.tgz", b"", "tar"),
        ("x.txt", b"%PDF-1.7", "pdf"),
        ("x", b"{\\rtf1", "rtf"),
        ("x.epub", b"PK\x03\x04", "epub"),
        ("x.eml", b"From: a", "mail"),
        ("x.warc.gz", b"WARC/1.0\r\n", "warc"),
        ("crawl.bin-0001", b"WARC/1.1\r\n", "warc"),
        ("x.warc.wet.gz", b"WARC/1.0\r\n", "warc"),
        ("x", b"filedesc://x.arc", "arc"),
    ],
)
def test_a_name_or_the_first_bytes_say_what_a_file_is(name, data, kind):
    assert kind_of(name, data) == kind


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("x.pptx", b"PK\x03\x04", ".pptx"),
        ("x.mobi.gz", b"....", ".mobi"),
        ("x", b"\x7fELF", "ELF"),
        ("x.parquet", b"garbage", "damaged parquet"),
        ("x.docx", b"garbage", "damaged docx"),
    ],
)
def test_a_format_that_is_not_read_is_named(name, data, reason):
    with pytest.raises(UnreadableError, match=reason):
        kind_of(name, data)


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (("mimetype", "application/epub+zip"), "epub"),
        (("mimetype", "application/vnd.oasis.opendocument.text"), "odt"),
        (("a.txt", "text"), "zip"),
    ],
)
def test_a_book_without_a_name_is_known_by_its_first_member(first, kind):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(*first)
    assert kind_of("unnamed", buffer.getvalue()) == kind


def test_a_content_type_names_the_kind_and_no_type_lets_the_bytes_say():
    assert kind_of_content("text/html; charset=utf-8", b"x") == "html"
    assert kind_of_content("image/png", b"\x89PNG") is None
    assert kind_of_content(None, b"<!doctype html><p>") == "html"
    assert kind_of_content("text/plain", b"<html><p>") == "html"
    assert kind_of_content("text/html", b"%PDF-1.4") == "pdf"


def test_only_what_is_cut_at_byte_newlines_may_be_cut_into_ranges():
    assert split_unit("a.jsonl", b'{"a": 1}\n') == "lines"
    assert split_unit("a.txt", b"text\n") == "text"
    assert split_unit("a.parquet", b"PAR1\0\0") == "row_groups"
    for name, head in (
        ("a.jsonl.gz", gzip.compress(b"{}\n")),
        ("a.jsonl", '{"a": 1}\n'.encode("utf-16")),
        ("a.txt", "a text\n".encode("utf-32-le")),
        ("a.txt", b"old\rmac\r"),
        ("a.csv", b"a,b\n"),
        ("a.html", b"<p>"),
        ("a.png", b"\x89PNG"),
    ):
        assert split_unit(name, head) is None, name


def test_a_tsv_file_promises_tabs():
    assert separator_of("a.tsv.gz") == "\t"
    assert separator_of("a.csv") is None
