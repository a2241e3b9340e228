import pytest

from scratchlm.base.errors import UserError
from scratchlm.cli.entry import run_command
from scratchlm.corpus.build import build_corpus
from scratchlm.corpus.clusters import Clusters
from scratchlm.corpus.config import CorpusConfig


@pytest.fixture(scope="module")
def built(tmp_path_factory, prose):
    """A corpus in which one text stands three times, one twice, others once."""
    root = tmp_path_factory.mktemp("clusters")
    (root / "in").mkdir()
    for number in range(8):
        (root / "in" / f"{number}.txt").write_text(prose(number, 300))
    for number, text in (("1b", 1), ("1c", 1), ("2b", 2)):
        words = prose(text, 300) + f"and one end for {number}\n"
        (root / "in" / f"{number}.txt").write_text(words)
    config = CorpusConfig(
        source="files", paths=(str(root / "in"),), ask=False, min_corpus_bytes=99
    )
    build_corpus(config, root / "corpus")
    return root / "corpus"


def test_the_largest_clusters_are_named_and_no_planted_document_is(built):
    found = Clusters(built.with_name("corpus.work")).largest(9)
    assert [(source, count) for source, _, count in found] == [("text", 2), ("text", 1)]


def test_a_cluster_opens_by_any_of_its_documents_with_its_texts(built):
    clusters = Clusters(built.with_name("corpus.work"))
    by_removed, by_kept = (clusters.read(f"in/{n}.txt") for n in ("1", "1b"))
    assert by_removed == by_kept
    texts = {by_kept.kept.id, *(one.document.id for one in by_kept.removed)}
    assert texts == {"in/1.txt", "in/1b.txt", "in/1c.txt"}
    assert all(one.jaccard > 0.9 for one in by_kept.removed)
    with pytest.raises(UserError, match="stands in no cluster"):
        clusters.read("in/5.txt")


def test_clusters_are_read_on_the_command_line(built, capsys):
    assert run_command(["corpus", "stats", str(built), "--clusters", "1"]) == 0
    assert "2 went because of in/1" in capsys.readouterr().out
    assert run_command(["corpus", "stats", str(built), "--open", "in/2.txt"]) == 0
    assert "and one end for 2b" in capsys.readouterr().out


def test_without_the_work_directory_one_line_says_so(tmp_path):
    with pytest.raises(UserError, match="holds no clusters"):
        Clusters(tmp_path)
