"""The rule `licence`: what a document may be used for, how that is known, who stays.

A licence comes from the source's settings or its row; else from an SPDX line at the
head of the file; else from the one Creative Commons licence that the text links to;
else from the words of a well-known licence at the head or foot. `licence_from` in the
metadata says which: "source", "spdx", "link" or "text".
"""

import re
from collections.abc import Sequence

from scratchlm.corpus.cleaning.config import LicenceConfig
from scratchlm.corpus.cleaning.spdx import is_allowed, spdx_name
from scratchlm.corpus.document import Document
from scratchlm.corpus.rule import Dropped, Verdict

HEAD_CHARS = 4096  # where headers stand
FOOT_CHARS = 2048
_SPDX_MARK = "SPDX-License-Identifier:"
_SPDX_LINE = re.compile(rf"{_SPDX_MARK}[ \t]*(?P<id>[A-Za-z0-9.+\-() \t]{{2,100}})")
_LINK = re.compile(
    r"creativecommons\.org/(?:licen[sc]es/(?P<terms>by(?:-(?:nc|sa|nd)){0,2})"
    r"/(?P<version>[1-4]\.[05])|publicdomain/(?P<public>zero|mark)/1\.0)",
    re.I,
)
# Necessary words in lower case, the id. More particular ones first.
_TEXTS = (
    (
        ("gnu affero general public license", "version 3", "any later"),
        "AGPL-3.0-or-later",
    ),
    (("gnu affero general public license",), "AGPL-3.0-only"),
    (
        ("gnu lesser general public license", "version 3", "any later"),
        "LGPL-3.0-or-later",
    ),
    (("gnu lesser general public", "version 2.1", "any later"), "LGPL-2.1-or-later"),
    (("gnu lesser general public license",), "LGPL-2.1-only"),
    (("gnu general public license", "version 3", "any later"), "GPL-3.0-or-later"),
    (("gnu general public license", "version 2", "any later"), "GPL-2.0-or-later"),
    (("gnu general public license", "version 3"), "GPL-3.0-only"),
    (("gnu general public license", "version 2"), "GPL-2.0-only"),
    (("apache license, version 2.0",), "Apache-2.0"),
    (("mozilla public license", "2.0"), "MPL-2.0"),
    (("boost software license", "version 1.0"), "BSL-1.0"),
    (("eclipse public license", "2.0"), "EPL-2.0"),
    (
        (
            "permission is hereby granted, free of charge",
            "to any person obtaining a copy",
        ),
        "MIT",
    ),
    (
        ("permission to use, copy, modify, and/or distribute this software for any",),
        "ISC",
    ),
    (
        ("redistributions of source code must retain", "neither the name"),
        "BSD-3-Clause",
    ),
    (("redistributions of source code must retain",), "BSD-2-Clause"),
    (("this is free and unencumbered software released into the",), "Unlicense"),
    (("project gutenberg license",), "LicenseRef-Project-Gutenberg"),
)
# One of these words stands in each of them, whole even where lines are broken.
_NEEDED = (
    *("gnu", "apache", "mozilla", "boost", "eclipse", "granted", "and/or"),
    *("redistributions", "unencumbered", "gutenberg"),
)
_SPACE = re.compile(r"\s+(?:[*#/;%\"'|-]+\s+)?")  # also a comment's marks


class LicenceRule:
    """Find each document's licence; drop those that are not on the list."""

    name = "licence"

    def __init__(self, config: LicenceConfig) -> None:
        self.config = config

    @property
    def canary(self) -> Document | None:
        """A licence that no list names, or one that gets written down."""
        if self.config.allow:
            metadata = {"licence": "LicenseRef-Canary AND LicenseRef-Nobody"}
            return Document("canary", "Not yours.\n", "canary", metadata)
        return Document("canary", f"# {_SPDX_MARK} MIT\n", "canary")

    def apply(self, documents: Sequence[Document]) -> list[Verdict]:
        """Documents with `licence` and `licence_from` where they are known."""
        return [self._judge(document) for document in documents]

    def _judge(self, document: Document) -> Verdict:
        licence, source = self._licence(document)
        if self.config.allow:
            if licence is None and not self.config.allow_unknown:
                return Dropped("licence not stated")
            if licence is not None and not is_allowed(licence, self.config.allow):
                return Dropped("licence not on the list", licence[:80])
        if licence is None:
            return document
        facts = {"licence": licence, "licence_from": source}
        if facts.items() <= document.metadata.items():
            return document
        metadata = {**document.metadata, **facts}
        return Document(document.id, document.text, document.source, metadata)

    def _licence(self, document: Document) -> tuple[str | None, str]:
        for key in ("licence", "license"):
            stated = document.metadata.get(key)
            if isinstance(stated, str) and stated.strip():
                known_from = document.metadata.get("licence_from", "source")
                return spdx_name(stated), str(known_from)
        if not self.config.detect:
            return None, ""
        return find_licence(document.text)


def find_licence(text: str) -> tuple[str | None, str]:
    """The licence that a text states and how: "spdx", "link", "text"; else None."""
    head = text[:HEAD_CHARS]
    line = _SPDX_LINE.search(head) if _SPDX_MARK in head else None
    if line is not None:
        return spdx_name(line["id"].strip(" \t-")), "spdx"
    if "creativecommons.org/" in text:
        linked = _linked(text)
        if linked is not None:
            return linked, "link"
    worded = _worded(head) or _worded(text[HEAD_CHARS:][-FOOT_CHARS:])
    return (worded, "text") if worded else (None, "")


def _linked(text: str) -> str | None:
    """The licence that all links name; two different ones leave it open."""
    names = set()
    for found in _LINK.finditer(text):
        if found["public"]:
            names.add("CC0-1.0" if found["public"].lower() == "zero" else "CC-PDDC")
        else:
            names.add(f"CC-{found['terms'].upper()}-{found['version']}")
    return names.pop() if len(names) == 1 else None


def _worded(part: str) -> str | None:
    """The licence whose words stand in a part of a text, across comment marks."""
    lower = part.lower()
    if not any(word in lower for word in _NEEDED):
        return None
    plain = _SPACE.sub(" ", lower)
    for words, name in _TEXTS:
        if all(word in plain for word in words):
            return name
    return None
