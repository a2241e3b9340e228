import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.build import build_corpus
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.stats import corpus_stats, first_rows
from scratchlm.corpus.store import Corpus


def test_the_numbers_are_those_of_the_files(tmp_path, prose):
    (tmp_path / "mine").mkdir()
    for n in range(25):
        (tmp_path / "mine" / f"{n}.txt").write_text(prose(n, 200))
    (tmp_path / "mine" / "none.bin").write_bytes(b"")
    config = CorpusConfig(source="files", paths=(str(tmp_path / "mine"),))
    corpus = build_corpus(config, tmp_path / "corpus")
    stats = corpus_stats(corpus)
    for side, documents in (
        ("train", list(corpus.train_documents())),
        ("heldout", list(corpus.heldout_documents())),
    ):
        assert stats[side]["n_documents"] == len(documents)
        assert stats[side]["n_bytes"] == sum(d.n_bytes for d in documents)
        assert stats[side]["n_words"] == 200 * len(documents)
        largest = max(d.n_bytes for d in documents)
        assert stats[side]["largest"][0]["n_bytes"] == largest
    assert sum(stats["conversations"].values()) == len(corpus.conversations())
    (reason,) = stats["left_out"]["files"]
    assert "not a format that is read" in reason


def test_rows_are_shown_as_they_are(tmp_path, prose):
    (tmp_path / "a.txt").write_text(prose(1, 4000))
    config = CorpusConfig(source="files", paths=(str(tmp_path / "a.txt"),))
    corpus = build_corpus(config, tmp_path / "corpus")
    for what in ("train", "heldout"):
        documents = getattr(corpus, f"{what}_documents")()
        (row,) = first_rows(corpus, what, 1)
        assert row["text"] == next(documents).text
    assert list(first_rows(corpus, "removed", 5)) == []
    assert next(first_rows(corpus, "conversations", 1))["messages"]


def test_a_folder_without_a_corpus_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no corpus"):
        Corpus.open(tmp_path)
