import pytest

from scratchlm.base.atomic import write_json
from scratchlm.corpus.compare import diff_corpora, diff_values
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.table import write_documents
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.store import RECEIPT, Corpus, write_manifest


@pytest.fixture
def corpus(tmp_path):
    """`corpus(name, train, …)`: a corpus of these documents on disk."""

    def make(name, train, heldout=(), settings=None, dropped=()) -> Corpus:
        directory = tmp_path / name
        for side, some in (("train", train), ("heldout", heldout)):
            write_documents(directory / side / "part-00000.parquet", some)
        receipt = Receipt()
        for document in dropped:
            receipt.step("clean").drop({"id": document.id}, "too short", 9)
        write_json(directory / RECEIPT, {"steps": receipt.to_json()})
        write_manifest(directory, settings or {}, {"made": name})
        return Corpus.open(directory)

    return make


def test_a_corpus_differs_from_itself_in_nothing(corpus, documents):
    one = corpus("one", documents(5, 20), documents(7, 20)[5:], {"seed": 1})
    found = diff_corpora(one, one)
    assert found["settings"] == found["inputs"] == found["steps"] == {}
    for side, n_documents in (("train", 5), ("heldout", 2)):
        counts = found["documents"][side]
        assert counts["left"] == counts["right"] == n_documents
        for kind in ("only_left", "only_right", "changed"):
            assert counts[kind] == {"count": 0, "bytes": 0, "examples": []}


def test_what_came_went_and_changed_is_counted_and_shown(corpus, documents):
    a, b, c, d = documents(4, 20)
    other = Document(b.id, b.text + "More of it.\n", b.source)
    old, new = corpus("old", [a, b, c]), corpus("new", [d, other, a])
    train = diff_corpora(old, new)["documents"]["train"]
    shown = {
        kind: [example["id"] for example in train[kind]["examples"]]
        for kind in ("only_left", "only_right", "changed")
    }
    assert shown == {"only_left": [c.id], "only_right": [d.id], "changed": [b.id]}
    assert train["only_left"]["bytes"] == c.n_bytes
    assert train["changed"]["examples"][0]["excerpt"].startswith(b.text[:20])


def test_the_order_and_the_number_of_parts_are_no_difference(corpus, documents):
    some = documents(6, 20)
    old, new = corpus("old", some), corpus("new", some[::-1])
    train = diff_corpora(old, new)["documents"]["train"]
    assert all(train[k]["count"] == 0 for k in ("only_left", "only_right", "changed"))


def test_one_name_in_two_sources_is_two_documents(corpus, documents):
    (document,) = documents(1, 20)
    moved = Document(document.id, document.text, "elsewhere")
    old, new = corpus("old", [document]), corpus("new", [moved])
    train = diff_corpora(old, new)["documents"]["train"]
    assert (train["only_left"]["count"], train["only_right"]["count"]) == (1, 1)


def test_a_document_that_changed_sides_is_gone_from_one_and_new_on_the_other(
    corpus, documents
):
    a, b = documents(2, 20)
    found = diff_corpora(corpus("old", [a, b]), corpus("new", [a], [b]))
    assert found["documents"]["train"]["only_left"]["count"] == 1
    assert found["documents"]["heldout"]["only_right"]["count"] == 1


def test_counts_are_whole_and_examples_few(corpus, documents):
    some = documents(30, 12)
    found = diff_corpora(corpus("old", []), corpus("new", some))
    new = found["documents"]["train"]["only_right"]
    assert new["count"] == 30 and len(new["examples"]) == 10


def test_settings_inputs_and_reasons_are_named_by_their_place(corpus, documents):
    some = documents(3, 12)
    old = corpus("old", some, settings={"near": {"threshold": 0.7}, "seed": 0})
    new = corpus("new", some, settings={"near": {"threshold": 0.8}}, dropped=some[:2])
    found = diff_corpora(old, new)
    assert found["settings"] == {"near.threshold": [0.7, 0.8], "seed": [0, None]}
    assert found["inputs"] == {"made": ["old", "new"]}
    ((name, (before, after)),) = found["steps"].items()
    assert name == "clean" and before is None
    assert after["dropped"] == 2 and after["reasons"] == {"too short": 2}


def test_values_of_another_kind_differ_as_a_whole():
    assert diff_values({"a": {"b": 1}}, {"a": 1}) == {"a": [{"b": 1}, 1]}
    assert diff_values({"a": [1, 2]}, {"a": [1, 2]}) == {}
    assert diff_values({}, {"a": {"b": None}}) == {"a": [None, {"b": None}]}
