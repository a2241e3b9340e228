import random

from scratchlm.corpus.cleaning.config import (
    CleanConfig,
    LanguageConfig,
    LicenceConfig,
    PrivacyConfig,
    SecretsConfig,
)
from scratchlm.corpus.cleaning.rules import build_cleaning_rules, build_privacy_rules
from scratchlm.corpus.document import Document
from scratchlm.corpus.rule import Dropped

ON = [
    *build_cleaning_rules(
        CleanConfig(enabled=True, repair_mojibake=True, min_chars=4),
        LicenceConfig(detect=True),
        LanguageConfig(identify=True),
    ),
    *build_privacy_rules(
        SecretsConfig(mask=True), PrivacyConfig(mask=("email", "ip", "phone", "card"))
    ),
]
PIECES = [
    *(
        "schÃ¶n ",
        "plain words of English text, and more of them.\n",
        "\r\n",
        "\x00",
        " ",
    ),
    *("joe@mail.ru ", "34.8.8.8 ", "4111 1111 1111 1111 ", "Καλημέρα κόσμε ", "\ud800"),
    *(
        "SPDX-License-Identifier: MIT\n",
        "AK" + "IAQWERTYUIOPASDFGH ",
        "e\u0301",
        "\xad",
    ),
]


def documents(n=60):
    draw = random.Random(0)
    for i in range(n):
        name = f"{i}.py" if i % 3 else f"{i}.txt"
        yield Document(name, "".join(draw.choices(PIECES, k=draw.randrange(9))), "s")


def run(rules, documents):
    """What is left of each document, or why it went."""
    verdicts = {document.id: document for document in documents}
    for rule in rules:
        alive = [v for v in verdicts.values() if isinstance(v, Document)]
        for document, verdict in zip(alive, rule.apply(alive), strict=True):
            verdicts[document.id] = verdict
    return verdicts


def test_rules_come_in_their_order_and_only_those_switched_on():
    names = [rule.name for rule in ON]
    assert names == ["mojibake", "clean", "licence", "language", "secrets", "pii"]
    assert (
        build_cleaning_rules(
            CleanConfig(enabled=False), LicenceConfig(), LanguageConfig()
        )
        == []
    )
    assert build_privacy_rules(SecretsConfig(), PrivacyConfig()) == []


def test_no_canary_passes_unchanged():
    for rule in ON:
        assert rule.canary is not None
        assert rule.apply([rule.canary])[0] != rule.canary


def test_the_verdict_on_a_document_does_not_depend_on_its_neighbours():
    everything = list(documents())
    together = run(ON, everything)
    backwards = run(ON, everything[::-1])
    alone = {d.id: run(ON, [d])[d.id] for d in everything[:15]}
    assert together == backwards
    assert {name: together[name] for name in alone} == alone


def test_all_rules_twice_is_all_rules_once():
    once = run(ON, documents())
    kept = [v for v in once.values() if isinstance(v, Document)]
    assert 20 < len(kept) < 60
    twice = run(ON, kept)
    for document in kept:
        assert twice[document.id].text == document.text


def test_each_verdict_is_a_document_of_the_same_name_or_a_reason():
    for name, verdict in run(ON, documents()).items():
        if isinstance(verdict, Dropped):
            assert verdict.reason and not verdict.failed
        else:
            assert (verdict.id, verdict.source) == (name, "s")


def test_rules_do_with_an_empty_list():
    assert [rule.apply([]) for rule in ON] == [[]] * len(ON)
