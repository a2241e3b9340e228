"""Rules of one's own: lines and documents dropped by what stands in them."""

import re
from dataclasses import replace
from functools import lru_cache

from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import LineConfig
from scratchlm.corpus.filters.words import WordForm, count_words
from scratchlm.corpus.rule import Dropped, Verdict


def judge_lines(document: Document, config: LineConfig, words: WordForm) -> Verdict:
    """The document with the lines that are kept, or why it is dropped.

    Lines are those between newlines; blank ones stay.
    """
    text = document.text
    for pattern in config.drop_documents:
        if _compiled(pattern).search(text):
            return Dropped("a pattern of drop_documents", pattern)
    lines = text.split("\n")
    kept = [line for line in lines if _is_kept(line, config, words)]
    if len(kept) == len(lines):
        return document
    left = "\n".join(kept)
    if not left.strip():
        return Dropped("no line left")
    if len(left) / len(text) < config.min_kept_ratio:
        ratio = len(left) / len(text)
        return Dropped("too little left", f"{ratio:.3f} of the characters")
    return replace(document, text=left)


def doomed_lines(config: LineConfig) -> str | None:
    """A text that this configuration changes or drops; None where only patterns are
    given, of which no such text can be derived, and no `canary`.
    """
    if config.canary is not None:
        return config.canary
    if config.min_chars > 1 or config.min_words > 1:
        return "x"
    return "x" * int(config.max_chars + 1) if config.max_chars < 10**6 else None


def _is_kept(line: str, config: LineConfig, words: WordForm) -> bool:
    if not line or line.isspace():
        return True
    if not config.min_chars <= len(line) <= config.max_chars:
        return False
    if config.min_words > 1 and count_words(line, words).n_words < config.min_words:
        return False
    return not any(_compiled(pattern).search(line) for pattern in config.drop_lines)


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
