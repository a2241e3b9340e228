import random

import pytest

from scratchlm.corpus.cleaning.config import PrivacyConfig
from scratchlm.corpus.cleaning.personal import PersonalDataRule
from scratchlm.corpus.document import Document

ALL = PrivacyConfig(mask=("email", "ip", "phone", "card"))
PARTS = [
    "joe@mail.ru",
    "34.8.8.8",
    "+49 30 1234567",
    "4111 1111 1111 1111",
    "212-555-0123",
]
PARTS += [
    "2a00:1450::8a",
    "version 1.2.3.4",
    "a@b",
    "::",
    ".",
    "-",
    " ",
    "x",
    "1",
    "\n",
]


def masked(text, config=ALL):
    (verdict,) = PersonalDataRule(config).apply([Document("d", text, "s")])
    return verdict


def test_each_kind_has_its_placeholder_and_is_counted():
    verdict = masked("joe@mail.ru, 34.8.8.8, +49 30 1234567, 4111 1111 1111 1111.\n")
    assert verdict.text == "<EMAIL>, <IP>, <PHONE>, <CARD>.\n"
    assert verdict.metadata["masked"] == {"card": 1, "email": 1, "ip": 1, "phone": 1}


@pytest.mark.parametrize("kind", ["email", "ip", "phone", "card"])
def test_only_what_is_asked_for_is_masked(kind):
    text = "joe@mail.ru, 34.8.8.8, +49 30 1234567, 4111 1111 1111 1111.\n"
    assert masked(text, PrivacyConfig(mask=(kind,))).metadata["masked"] == {kind: 1}


def test_masking_twice_is_masking_once_however_parts_are_joined():
    draw = random.Random(0)
    for _ in range(500):
        once = masked("".join(draw.choices(PARTS, k=8)))
        assert masked(once.text).text == once.text


def test_a_document_is_masked_alike_in_any_company():
    draw = random.Random(1)
    documents = [
        Document(str(i), " ".join(draw.choices(PARTS, k=6)), "s") for i in range(50)
    ]
    together = PersonalDataRule(ALL).apply(documents)
    alone = [PersonalDataRule(ALL).apply([document])[0] for document in documents]
    assert together == alone


def test_a_document_without_any_is_the_same_object():
    document = Document("d", "nothing to see\n", "s")
    assert PersonalDataRule(ALL).apply([document])[0] is document


def test_the_canary_changes_with_each_kind_and_is_none_without_any():
    for kind in ALL.mask:
        rule = PersonalDataRule(PrivacyConfig(mask=(kind,)))
        assert rule.apply([rule.canary])[0].metadata["masked"] == {kind: 1}
    assert PersonalDataRule(PrivacyConfig()).canary is None
