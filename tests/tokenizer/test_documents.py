"""Laws of documents: every row and line once, with its label; damage is named."""

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest
import zstandard

from scratchlm.base.errors import UserError
from scratchlm.corpus.decode import UnreadableError
from scratchlm.tokenizer.documents import Source, documents_of, kind_of_file

PACKERS = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


def read(path, named=False):
    source = Source(path, "label", named, kind_of_file(path))
    return [labelled for labelled, _ in documents_of(source)]


def write_rows(path: Path, rows, pack=bytes):
    path.write_bytes(pack("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return path


@pytest.mark.parametrize("ending", PACKERS)
def test_rows_are_read_packed_or_not(tmp_path, ending):
    rows = [{"text": f"text {n}\nof two lines"} for n in range(500)]
    path = write_rows(tmp_path / f"x.jsonl{ending}", rows, PACKERS[ending])
    assert read(path) == [("label", row["text"]) for row in rows]


def test_a_row_is_labelled_by_its_language_or_its_source(tmp_path):
    rows = [{"text": "a", "lang": "de", "source": "s"}, {"text": "b", "source": "s"}]
    path = write_rows(tmp_path / "x.jsonl", rows)
    assert read(path) == [("de", "a"), ("s", "b")]
    assert read(path, named=True) == [("label", "a"), ("label", "b")]


def test_sources_that_are_as_many_as_rows_are_no_labels(tmp_path):
    rows = [{"text": "t", "source": f"file {n}"} for n in range(30)]
    assert {label for label, _ in read(write_rows(tmp_path / "x.jsonl", rows))} == {
        "label"
    }


def test_elements_of_json_are_documents(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"data": [{"content": "a"}, "b"]}))
    assert read(path) == [("label", "a"), ("label", "b")]


def test_a_large_text_is_cut_between_paragraphs_and_loses_nothing(tmp_path):
    text = "".join(f"line {n}\n" + "    indented\n" * 3 for n in range(9000))
    path = tmp_path / "x.py"
    path.write_bytes(text.encode() + b"\xff\x00 end")
    parts = [part for _, part in read(path)]
    assert "".join(parts) == text + "\ufffd\x00 end"
    assert len(parts) > 3
    assert not any(part[0].isspace() for part in parts)


def test_text_without_a_border_is_cut_at_a_line_in_the_end(tmp_path):
    text = " every line begins with a space\n" * 20_000
    (tmp_path / "x.txt").write_text(text)
    parts = [part for _, part in read(tmp_path / "x.txt")]
    assert "".join(parts) == text and len(parts) > 1


def test_no_text_at_all_is_no_document(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"")
    assert read(tmp_path / "x.txt") == []


def test_a_line_that_is_no_row_is_named(tmp_path):
    path = write_rows(tmp_path / "x.jsonl", [{"text": "a"}])
    path.write_text(path.read_text() + "{broken\n")
    with pytest.raises(UserError, match="line 2 is not JSON"):
        read(path)
    with pytest.raises(UserError, match="row 1 has no text"):
        read(write_rows(tmp_path / "y.jsonl", [{"title": 3}]))


def test_a_file_cut_off_is_named(tmp_path):
    path = write_rows(tmp_path / "x.jsonl.xz", [{"text": "a" * 9000}], lzma.compress)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UserError, match="damaged"):
        read(path)


def test_other_kinds_are_told_apart(tmp_path):
    (tmp_path / "x.html").write_text("<html>")
    with pytest.raises(UnreadableError, match="html"):
        kind_of_file(tmp_path / "x.html")
    with pytest.raises(UserError, match="damaged"):
        (tmp_path / "y.txt.gz").write_text("no gzip")
        kind_of_file(tmp_path / "y.txt.gz")
