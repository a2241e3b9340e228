"""The rule `clean`: line ends, controls, invisible characters, one Unicode form.

What is removed goes before what is composed, and blanks at line ends last, so that
cleaning twice is cleaning once. Source code is not composed, and keeps what cannot
be seen: a string literal may hold it (see `clean_text`).
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from scratchlm.corpus.clean import clean_text, strip_line_ends
from scratchlm.corpus.cleaning.code import is_code
from scratchlm.corpus.cleaning.config import CleanConfig
from scratchlm.corpus.document import Document
from scratchlm.corpus.rule import Dropped, Verdict

# Soft hyphen, zero-width blank, word joiner, invisible operators, Mongolian vowel
# separator, interlinear annotation; joiners (U+200C, U+200D) are letters' matter.
_INVISIBLE = re.compile("[\xad\u180e\u200b\u2060-\u2064\ufff9-\ufffb]")
_SEPARATOR = re.compile("[\u2028\u2029]")
_EITHER = re.compile(_INVISIBLE.pattern[:-1] + _SEPARATOR.pattern[1:])


class CleanRule:
    """Make texts plain; drop those that are too short then."""

    name = "clean"

    def __init__(self, config: CleanConfig) -> None:
        self.config = config
        self._short = f"shorter than {config.min_chars} characters"

    @property
    def canary(self) -> Document:
        """Every configuration changes its line ends and removes its control."""
        return Document("canary", "made\r\nup\x00 \r\n", "canary")

    def apply(self, documents: Sequence[Document]) -> list[Verdict]:
        """Cleaned documents; `Dropped` for the empty and the too short."""
        return [self._judge(document) for document in documents]

    def _judge(self, document: Document) -> Verdict:
        text = plain_text(document.text, self.config, code=is_code(document))
        if len(text) < self.config.min_chars:
            reason = self._short if text else "empty"
            return Dropped(reason, f"{len(text)} characters")
        if text == document.text:
            return document
        return Document(document.id, text, document.source, document.metadata)


def plain_text(text: str, config: CleanConfig, *, code: bool = False) -> str:
    """Clean one text as `config` says; "" where nothing but blanks was there."""
    text = clean_text(text)
    if text.isascii():
        return text
    before = text
    if config.remove_invisible and not code and _EITHER.search(text):
        text = _SEPARATOR.sub("\n", _INVISIBLE.sub("", text))
    if config.normalise != "none" and (not code or config.normalise_code):
        text = unicode_form(text, config.normalise)
    if text is before:
        return text
    text = strip_line_ends(text)
    return text + "\n" if text else ""


def unicode_form(text: str, form: Literal["nfc", "nfkc"]) -> str:
    """`text` in that form; the same object where it already is."""
    name: Literal["NFC", "NFKC"] = "NFC" if form == "nfc" else "NFKC"
    if unicodedata.is_normalized(name, text):
        return text
    return unicodedata.normalize(name, text)
