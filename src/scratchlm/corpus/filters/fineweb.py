"""FineWeb's own rules: is a document a list rather than a text?

Lines are those between newlines, blank ones left out, *not* stripped: a blank or a
carriage return behind the full stop hides it, so line ends are to be made newlines
before (`corpus.clean`).
"""

from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import FineWebConfig
from scratchlm.corpus.filters.marks import TERMINAL_MARKS
from scratchlm.corpus.filters.ngrams import count_repeated
from scratchlm.corpus.filters.words import WordForm, count_words
from scratchlm.corpus.rule import Dropped, Verdict


def judge_fineweb(
    document: Document, config: FineWebConfig, words: WordForm
) -> Verdict:
    """The document as it is, or the first rule that it breaks."""
    text = document.text
    lines = [line for line in text.split("\n") if line and not line.isspace()]
    if not lines:
        return Dropped("empty")
    n_ended = sum([line[-1] in TERMINAL_MARKS for line in lines])
    if n_ended / len(lines) < config.min_end_mark_ratio:
        return _dropped("too few lines end a sentence", n_ended / len(lines))
    n_short = sum([len(line) <= config.short_line_chars for line in lines])
    if n_short / len(lines) > config.max_short_line_ratio:
        return _dropped("too many short lines", n_short / len(lines))
    n_newlines = text.count("\n")
    ratio = count_repeated(lines)[1] / (len(text) - n_newlines)
    if ratio > config.max_repeated_char_ratio:
        return _dropped("too much text in repeated lines", ratio)
    ratio = n_newlines / count_words(text, words).n_words
    if ratio > config.max_newline_ratio:
        return Dropped("too many newlines", f"{ratio:.3f} a word")
    return document


def doomed_fineweb(config: FineWebConfig) -> str:
    """A text that this configuration drops."""
    if config.min_end_mark_ratio > 0:
        return "an item of a list"
    return "x\n" * 1000 if config.max_newline_ratio < 0.9 else ""


def _dropped(reason: str, ratio: float) -> Dropped:
    return Dropped(reason, f"{ratio:.3f}")
