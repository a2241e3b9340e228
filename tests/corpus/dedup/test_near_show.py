import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.dedup.near_config import NearConfig
from scratchlm.corpus.dedup.near_removal import near_step
from scratchlm.corpus.dedup.near_show import (
    largest_clusters,
    read_cluster,
    show_cluster,
)
from scratchlm.corpus.document import Document


@pytest.fixture
def found(prose, small_flow):
    """The step's directory and its shards: a cluster of three, one of two, and one."""
    text = prose(1, 200)
    web = [Document("long", f"{text}\nTHE END", "web"), Document("b", text, "web")]
    other = prose(2, 90)
    books = [Document("c", f"{text}\nno end", "books"), Document("d", other, "books")]
    more = [Document("e", f"{other}more", "web"), Document("f", prose(3, 90), "web")]
    flow = small_flow([web, books, more])
    shards = list(flow.shards)
    flow.run(near_step(NearConfig()))
    return flow.directory / "step1" / "verify", shards


def test_the_largest_clusters_come_first(found):
    out, _ = found
    assert largest_clusters(out) == [("web", "long", 2), ("web", "e", 1)]
    assert largest_clusters(out, most=1) == [("web", "long", 2)]


def test_a_cluster_is_opened_by_any_of_its_members(found):
    out, shards = found
    by_kept = read_cluster(out, shards, "web", "long")
    assert by_kept == read_cluster(out, shards, "books", "c")
    assert by_kept.kept.text.endswith("THE END")
    assert {m.document.id for m in by_kept.removed} == {"b", "c"}
    likeness = [member.jaccard for member in by_kept.removed]
    assert likeness == sorted(likeness, reverse=True)


def test_what_differs_is_shown(found):
    out, shards = found
    shown = show_cluster(read_cluster(out, shards, "web", "long"))
    assert "kept     web: long" in shown
    assert "removed  books: c" in shown
    assert "-THE END" in shown
    assert "+no end" in shown


def test_a_long_difference_is_cut(found):
    out, shards = found
    shown = show_cluster(read_cluster(out, shards, "web", "long"), lines=1)
    assert "more lines" in shown


def test_a_document_in_no_cluster_is_named(found):
    out, shards = found
    with pytest.raises(UserError, match="f of web stands in no cluster"):
        read_cluster(out, shards, "web", "f")
