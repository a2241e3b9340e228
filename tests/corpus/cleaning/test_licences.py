import pytest

from scratchlm.corpus.cleaning.config import LicenceConfig
from scratchlm.corpus.cleaning.licences import LicenceRule, find_licence
from scratchlm.corpus.document import Document
from scratchlm.corpus.rule import Dropped

MIT = """Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files, to deal in the Software"""
LINK = '<a href="https://creativecommons.org/licenses/by-sa/4.0/">terms</a>\n'


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("# SPDX-License-Identifier: MIT\nx = 1\n", "MIT"),
        ("/* SPDX-License-Identifier: GPL-2.0+ */\n", "GPL-2.0-or-later"),
        ("<!-- SPDX-License-Identifier: CC0-1.0 -->", "CC0-1.0"),
        ("// SPDX-License-Identifier: (MIT OR Apache-2.0)\n", "(MIT OR Apache-2.0)"),
    ],
)
def test_an_spdx_line_says_it(text, licence):
    assert find_licence(text) == (licence, "spdx")


def test_an_spdx_line_far_below_the_head_speaks_of_something_else():
    assert find_licence("x" * 5000 + "\nSPDX-License-Identifier: MIT\n") == (None, "")


def test_a_creative_commons_link_says_it_where_all_links_agree():
    assert find_licence("text " + LINK * 2) == ("CC-BY-SA-4.0", "link")
    zero = "http://creativecommons.org/publicdomain/zero/1.0/"
    assert find_licence(zero) == ("CC0-1.0", "link")
    assert find_licence(LINK + zero) == (None, "")
    assert find_licence("see https://creativecommons.org/about/") == (None, "")


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (MIT, "MIT"),
        ("\n".join(f" * {line}" for line in MIT.splitlines()), "MIT"),
        (
            "under the terms of the GNU General Public License as published by the FSF;"
            " either version 2 of the License, or (at your option) any later version.",
            "GPL-2.0-or-later",
        ),
        ("# Licensed under the Apache License,\n# Version 2.0 (the", "Apache-2.0"),
    ],
)
def test_the_words_of_a_well_known_licence_say_it(text, licence):
    assert find_licence(f"Copyright\n\n{text}\n" + "prose " * 3000) == (licence, "text")
    assert find_licence("prose " * 3000 + text) == (licence, "text")


@pytest.mark.parametrize(
    "text", ["", "All rights reserved.", "a driving license", "I granted permission"]
)
def test_other_words_say_nothing(text):
    assert find_licence(text) == (None, "")


def judged(text="plain\n", metadata=None, **settings):
    document = Document("d", text, "s", metadata or {})
    (verdict,) = LicenceRule(LicenceConfig(**settings)).apply([document])
    return document, verdict


def test_what_the_source_says_counts_before_what_the_text_says():
    _, verdict = judged(MIT, {"licence": "CC BY 4.0"}, detect=True)
    assert verdict.metadata == {"licence": "CC-BY-4.0", "licence_from": "source"}
    _, verdict = judged(MIT, {"license": "apache-2.0"}, detect=True)
    assert verdict.metadata["licence"] == "Apache-2.0"


def test_provenance_is_written_down_and_stays_on_a_second_look():
    _, first = judged(LINK, detect=True)
    assert first.metadata == {"licence": "CC-BY-SA-4.0", "licence_from": "link"}
    _, second = judged(LINK, first.metadata, detect=True)
    assert second.metadata == first.metadata


def test_nothing_is_looked_for_unless_asked():
    document, verdict = judged(MIT)
    assert verdict is document


def test_only_licences_on_the_list_stay():
    _, verdict = judged(MIT, detect=True, allow=("CC-*",))
    assert verdict == Dropped("licence not on the list", "MIT")
    _, verdict = judged(LINK, detect=True, allow=("CC-*",))
    assert isinstance(verdict, Document)


def test_documents_without_a_licence_go_unless_they_are_let_stay():
    _, verdict = judged(detect=True, allow=("MIT",))
    assert verdict == Dropped("licence not stated")
    document, verdict = judged(detect=True, allow=("MIT",), allow_unknown=True)
    assert verdict is document


def test_the_canary_never_passes_unchanged():
    for settings in ({"detect": True}, {"allow": ("MIT",)}, {"allow": ("CC-*", "MIT")}):
        rule = LicenceRule(LicenceConfig(**settings))
        assert rule.apply([rule.canary])[0] != rule.canary
