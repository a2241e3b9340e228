"""Laws of sources: each file once, counted as read, split without overlap."""

import json
import lzma

import pytest

from scratchlm.base.errors import UserError
from scratchlm.base.progress import Silent
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.table import write_documents
from scratchlm.corpus.store import write_manifest
from scratchlm.tokenizer import WordCounts
from scratchlm.tokenizer.sources import (
    count_sources,
    find_sources,
    is_heldout,
    read_documents,
    read_part,
)


def write_rows(path, texts):
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))


@pytest.fixture
def folder(tmp_path):
    """A folder with text, rows, packed text, and what cannot be read."""
    (tmp_path / "a.txt").write_text("plain text here\n")
    write_rows(tmp_path / "b.jsonl", ["first row", "second row"])
    (tmp_path / "c.txt.xz").write_bytes(lzma.compress(b"packed text"))
    (tmp_path / "d.pdf").write_bytes(b"%PDF-1.4")
    return tmp_path


@pytest.fixture
def corpus(tmp_path):
    for side, text in (("train", "learned"), ("heldout", "measured")):
        path = tmp_path / "corpus" / side / "part-00000.parquet"
        write_documents(path, [Document("a", text, "s")])
    write_manifest(tmp_path / "corpus", {}, {})
    return tmp_path


def test_a_folder_gives_its_texts_each_once_and_leaves_the_rest(folder):
    found = find_sources([str(folder), str(folder / "a.txt")])
    assert [source.path.name for source in found] == ["a.txt", "b.jsonl", "c.txt.xz"]
    texts = [text for _, text in read_documents(found)]
    assert texts == ["plain text here\n", "first row", "second row", "packed text"]


def test_a_source_has_the_name_that_it_is_given_or_its_paths(folder):
    labels = {
        source.label
        for source in find_sources(
            [f"mine={folder / 'a.txt'}", f"{folder / 'b.jsonl'}"]
        )
    }
    assert labels == {"mine", "b"}


def test_a_file_that_was_named_and_cannot_be_read_is_an_error(folder, tmp_path):
    with pytest.raises(UserError, match=r"d\.pdf cannot be read as text.*corpus build"):
        find_sources([str(folder / "d.pdf")])
    with pytest.raises(UserError, match="does not exist"):
        find_sources([str(folder / "nothing")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no text file"):
        find_sources([str(tmp_path / "empty")])


def test_counts_are_those_of_the_documents(folder):
    sources = find_sources([str(folder)])
    counted, expected = WordCounts("llama3"), WordCounts("llama3")
    count_sources(counted, sources)
    for _, text in read_documents(sources):
        expected.add(text)
    assert dict(counted.items()) == dict(expected.items())


def test_of_a_run_or_a_corpus_the_right_split_is_read(corpus):
    for words in ([str(corpus)], [str(corpus / "corpus")]):
        assert [t for _, t in read_documents(find_sources(words))] == ["measured"]
        train = find_sources(words, "train")
        assert [text for _, text in read_documents(train)] == ["learned"]
        assert [text for _, text in read_part(words, "train")] == ["learned"]
        assert [text for _, text in read_part(words, "heldout")] == ["measured"]


def test_parts_share_no_text_and_lose_none(tmp_path):
    texts = [f"document {number % 150}" for number in range(300)]
    write_rows(tmp_path / "x.jsonl", texts)
    parts = [
        [text for _, text in read_part([str(tmp_path)], part)]
        for part in ("train", "heldout")
    ]
    assert sorted(parts[0] + parts[1]) == sorted(texts)
    assert not set(parts[0]) & set(parts[1])
    assert 30 <= len(parts[1]) <= 90


def test_the_side_of_a_document_never_changes():
    assert [n for n in range(20) if is_heldout(f"document {n}")] == [4, 11, 12, 17, 19]


def test_progress_goes_over_all_files_to_the_end(folder):
    class Seen(Silent):
        def __init__(self):
            super().__init__()
            self.calls = []

        def update(self, done, total, note=""):
            self.calls.append((done, total, note))

    seen = Seen()
    list(read_documents(find_sources([str(folder)]), seen))
    shares = [done / total for done, total, _ in seen.calls]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert "/s" in seen.calls[-1][2]
