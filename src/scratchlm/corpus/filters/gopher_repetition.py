"""Gopher's rules of repetition: does a document say the same again and again?

Paragraphs are those of the text without the white space around it, split at empty
lines; lines those of the text as it is, split at newlines in a row: a newline at either
end makes an empty line, and the second of them occurred before. Characters are those
of the whole text.
"""

import re
from collections.abc import Iterator

from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import GopherRepetitionConfig
from scratchlm.corpus.filters.ngrams import (
    REPEATED_N,
    TOP_N,
    count_repeated,
    repetition_chars,
)
from scratchlm.corpus.filters.words import WordForm
from scratchlm.corpus.rule import Dropped, Verdict

_NEW_PARAGRAPH = re.compile(r"\n{2,}")


def judge_repetition(
    document: Document, config: GopherRepetitionConfig, words: WordForm
) -> Verdict:
    """The document as it is, or the first rule that it breaks."""
    if not document.text:
        return Dropped("empty")
    for reason, ratio, limit in _measures(document.text, config, words):
        if ratio > limit:
            return Dropped(reason, f"{ratio:.3f}, at most {limit}")
    return document


def doomed_repetition(config: GopherRepetitionConfig) -> str:
    """A text that no document of this configuration may look like."""
    limits = [value for value in config.model_dump().values() if value is not True]
    flat = [
        x for value in limits for x in (value if isinstance(value, tuple) else [value])
    ]
    return ("a" * 98 + "\n\n") * 200 if min(flat) < 0.9 else ""


def _measures(
    text: str, config: GopherRepetitionConfig, words: WordForm
) -> Iterator[tuple[str, float, float]]:
    """Each rule's reason, what was measured, and the limit, in order."""
    n_chars = len(text)
    for name, parts, limit, char_limit in (
        (
            "paragraphs",
            _paragraphs(text),
            config.max_paragraph_ratio,
            config.max_paragraph_char_ratio,
        ),
        ("lines", _lines(text), config.max_line_ratio, config.max_line_char_ratio),
    ):
        count, chars = count_repeated(parts)
        yield f"too many repeated {name}", count / len(parts), limit
        yield f"too much text in repeated {name}", chars / n_chars, char_limit
    found = repetition_chars(text, words)
    for n, limit in zip(TOP_N, config.max_top_ratios, strict=True):
        yield f"one {n}-gram too frequent", found[n - TOP_N[0]] / n_chars, limit
    for n, limit in zip(REPEATED_N, config.max_repeated_ratios, strict=True):
        ratio = found[n - TOP_N[0]] / n_chars
        yield f"too much text in repeated {n}-grams", ratio, limit


def _paragraphs(text: str) -> list[str]:
    return _NEW_PARAGRAPH.split(text.strip()) if "\n\n" in text else [text]


def _lines(text: str) -> list[str]:
    """The parts between newlines in a row, as `re.split` with newlines gives them."""
    lines = [line for line in text.split("\n") if line]
    if text[0] == "\n":
        lines.insert(0, "")
    if text[-1] == "\n":
        lines.append("")
    return lines
