"""Gopher's rules of repetition: does a document say the same again and again?

Paragraphs are those of the text without the white space around it, split at empty
lines; lines those of the text as it is, split at newlines in a row: a newline at either
end makes an empty line, and the second of them occurred before. Characters are those
of the whole text.
"""

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

_N_GRAMS = (
    *(f"one {n}-gram too frequent" for n in TOP_N),
    *(f"too much text in repeated {n}-grams" for n in REPEATED_N),
)


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
    limits = config.model_dump(exclude={"enabled"}).values()
    least = min(min(x) if isinstance(x, tuple) else x for x in limits)
    return ("a" * 98 + "\n\n") * 200 if least < 0.9 else ""


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
    limits = (*config.max_top_ratios, *config.max_repeated_ratios)
    found = repetition_chars(text, limits, words)
    for reason, chars, limit in zip(_N_GRAMS, found, limits, strict=False):
        yield reason, chars / n_chars, limit


def _paragraphs(text: str) -> list[str]:
    """The parts between two and more newlines of the stripped text."""
    if "\n\n" not in text:
        return [text]
    parts = text.strip().split("\n\n")
    if "\n\n\n" in text:  # an odd newline stands before the next part
        parts = [part.removeprefix("\n") for part in parts if part] or [""]
    return parts


def _lines(text: str) -> list[str]:
    """The parts between newlines in a row, as `re.split` with newlines gives them."""
    lines = [line for line in text.split("\n") if line]
    if text[0] == "\n":
        lines.insert(0, "")
    if text[-1] == "\n":
        lines.append("")
    return lines
