import pytest

from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.apply_rules import (
    LIST_DOCUMENTS,
    DeadCanaryError,
    check_canaries,
    filter_documents,
)
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.rule import Dropped


class Shorten:
    name = "shorten"
    canary = Document("canary", "12345678", "canary")

    def apply(self, documents):
        return [Document(d.id, d.text[:5], d.source, d.metadata) for d in documents]


class NoDigits:
    name = "no_digits"
    canary = Document("canary", "1", "canary")

    def apply(self, documents):
        return [
            Dropped("holds a digit", d.text) if d.text.isdigit() else d
            for d in documents
        ]


class Idle:
    name = "idle"
    canary = Document("canary", "x", "canary")

    def apply(self, documents):
        return list(documents)


def test_each_rule_sees_what_the_one_before_left_and_all_is_counted():
    documents = [Document("a", "wörter genug", "x"), Document("b", "123456", "y")]
    receipt = Receipt()
    kept = list(filter_documents([Shorten(), NoDigits()], documents, receipt))
    assert [(d.id, d.text) for d in kept] == [("a", "wörte")]
    shorten, digits = receipt.to_json()
    assert (shorten["in"], shorten["kept"], shorten["changed"]) == (2, 2, 2)
    assert (shorten["bytes_in"], shorten["bytes_out"]) == (13 + 6, 6 + 5)
    assert digits["reasons"]["holds a digit"]["examples"] == [
        {"id": "b", "excerpt": "12345", "detail": "12345"}
    ]
    assert digits["sources"]["y"]["dropped"] == 1


def test_the_order_and_number_of_documents_survive_lists():
    documents = [Document(str(n), "x", "s") for n in range(2 * LIST_DOCUMENTS + 3)]
    kept = filter_documents([Idle()], iter(documents), Receipt())
    assert list(kept) == documents


def test_a_rule_that_does_nothing_to_its_canary_stops_the_build():
    check_canaries([Shorten(), NoDigits()])
    with pytest.raises(DeadCanaryError, match="idle"):
        check_canaries([Shorten(), Idle()])
