import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.build import build_corpus
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.stats import corpus_stats


def test_the_numbers_are_those_of_the_files(tmp_path, prose):
    (tmp_path / "mine").mkdir()
    for n in range(25):
        (tmp_path / "mine" / f"{n}.txt").write_text(prose(n, 200))
    (tmp_path / "mine" / "none.bin").write_bytes(b"")
    config = CorpusConfig(source="files", paths=(str(tmp_path / "mine"),))
    corpus = build_corpus(config, tmp_path / "corpus")
    stats = corpus_stats(corpus.directory)
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
    assert stats["dropped"] == {"files": {".bin: not a format that is read": 1}}


def test_a_folder_without_a_corpus_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no corpus"):
        corpus_stats(tmp_path)
