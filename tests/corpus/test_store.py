import json

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.flow.table import write_documents
from scratchlm.corpus.rows import write_rows
from scratchlm.corpus.store import CONVERSATIONS, MANIFEST, Corpus, write_manifest


def write_corpus(directory, documents, n_parts=2) -> Corpus:
    """Some parts of `train`, one of `heldout`, and a few conversations."""
    per_part = len(documents) // n_parts
    for number in reversed(range(n_parts)):
        some = documents[number * per_part : (number + 1) * per_part]
        write_documents(directory / "train" / f"part-{number:05d}.parquet", some)
    write_documents(directory / "heldout" / "part-00000.parquet", documents[:1])
    rows = [
        {"split": split, "kind": kind, "messages": []}
        for split in ("train", "test")
        for kind in ("asked", "heldout")
    ]
    write_rows(directory / CONVERSATIONS, rows)
    write_manifest(directory, {"seed": 0}, {"text": "0" * 64})
    return Corpus.open(directory)


@pytest.fixture
def corpus(tmp_path, documents) -> Corpus:
    return write_corpus(tmp_path / "corpus", documents(6, 30))


def test_a_directory_without_a_manifest_is_no_corpus(tmp_path):
    with pytest.raises(UserError, match="holds no corpus; make one"):
        Corpus.open(tmp_path)


def test_documents_come_in_the_order_of_the_parts(corpus, documents):
    assert list(corpus.train_documents()) == documents(6, 30)
    assert list(corpus.heldout_documents()) == documents(6, 30)[:1]
    assert corpus.parts("removed") == []


def test_the_manifest_names_every_file_but_itself_by_hash(corpus):
    names = {
        path.relative_to(corpus.directory).as_posix()
        for path in corpus.directory.rglob("*")
        if path.is_file()
    }
    assert corpus.manifest["files"].keys() == names - {MANIFEST}
    corpus.verify()


def test_the_manifest_names_no_place_and_no_time(corpus, tmp_path, documents):
    again = write_corpus(tmp_path / "elsewhere", documents(6, 30))
    assert again.manifest == corpus.manifest
    assert str(tmp_path) not in json.dumps(corpus.manifest)


@pytest.mark.parametrize("name", ["train/part-00001.parquet", CONVERSATIONS])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_file_that_is_changed_or_missing_is_named(corpus, name, damage):
    path = corpus.directory / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(UserError, match=name):
        corpus.verify()


def test_a_part_that_went_missing_is_not_passed_over(corpus):
    (corpus.directory / "train" / "part-00000.parquet").unlink()
    with pytest.raises(UserError, match=r"part-00000\.parquet is missing"):
        list(corpus.train_documents())


def test_conversations_are_chosen_by_split_and_kind(corpus):
    assert len(corpus.conversations()) == 4
    (row,) = corpus.conversations("test", "asked")
    assert (row["split"], row["kind"]) == ("test", "asked")
    assert len(corpus.conversations(kind="heldout")) == 2


def test_a_corpus_built_without_conversations_says_how_to_have_them(corpus):
    with pytest.raises(UserError, match="--ask"):
        corpus.preferences()
