"""Gopher's rules of quality: does a document look like prose?

The order of the rules decides which reason is given; ratios "for each word" divide by
all words, symbols standing alone included, while the number of words and their mean
length leave those out (`words.WordCounts`).
"""

from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import GopherQualityConfig
from scratchlm.corpus.filters.words import (
    WordCounts,
    WordForm,
    count_words,
    is_plain,
    split_words,
)
from scratchlm.corpus.rule import Dropped, Verdict

_BULLETS = ("•", "-")
_ELLIPSES = ("...", "…")
_HEAD_CHARS = 400  # most texts show their stop words here


def judge_quality(
    document: Document, config: GopherQualityConfig, words: WordForm
) -> Verdict:
    """The document as it is, or the first rule that it breaks."""
    text = document.text
    counts = count_words(text, words)
    broken = (
        _judge_length(counts, config)
        or _judge_symbols(text, counts, config)
        or _judge_lines(text, config)
        or _judge_words(text, counts, config, words)
    )
    return broken or document


def doomed_quality(config: GopherQualityConfig) -> str:
    """A text that no document of this configuration may look like."""
    if config.min_words > 0:
        return "."
    n_words = config.max_words + 1
    return "word " * int(n_words) if n_words < 10**6 else ""


def _judge_length(counts: WordCounts, config: GopherQualityConfig) -> Dropped | None:
    n = counts.n_spelled
    if n < config.min_words:
        return Dropped("too few words", f"{n}, at least {config.min_words}")
    if n > config.max_words:
        return Dropped("too many words", f"{n}, at most {config.max_words:.0f}")
    if not n:
        return None
    mean = counts.spelled_chars / n
    if mean < config.min_mean_word_chars:
        limit = config.min_mean_word_chars
        return Dropped("words too short", f"{mean:.2f} characters, at least {limit}")
    if mean > config.max_mean_word_chars:
        limit = config.max_mean_word_chars
        return Dropped("words too long", f"{mean:.2f} characters, at most {limit}")
    return None


def _judge_symbols(
    text: str, counts: WordCounts, config: GopherQualityConfig
) -> Dropped | None:
    if not counts.n_words:
        return Dropped("no words")
    for symbol, n in (
        ("hashes", text.count("#")),
        ("ellipses", sum(map(text.count, _ELLIPSES))),
    ):
        ratio = n / counts.n_words
        if ratio > config.max_symbol_ratio:
            limit = config.max_symbol_ratio
            return Dropped(f"too many {symbol}", f"{ratio:.3f} a word, at most {limit}")
    return None


def _judge_lines(text: str, config: GopherQualityConfig) -> Dropped | None:
    n_newlines = text.count("\n") or 1  # there are at least as many lines
    most_bullets = sum(map(text.count, _BULLETS))  # and no line has more than these
    if most_bullets / n_newlines > config.max_bullet_line_ratio:
        lines = list(map(str.lstrip, text.splitlines()))
        ratio = sum([line[:1] in _BULLETS for line in lines]) / len(lines)
        if ratio > config.max_bullet_line_ratio:
            return _lines("bullets begin too many lines", ratio)
    most_ellipses = sum(map(text.count, _ELLIPSES))
    if most_ellipses / n_newlines > config.max_ellipsis_line_ratio:
        lines = list(map(str.rstrip, text.splitlines()))
        ratio = sum([line.endswith(_ELLIPSES) for line in lines]) / len(lines)
        if ratio > config.max_ellipsis_line_ratio:
            return _lines("ellipses end too many lines", ratio)
    return None


def _lines(reason: str, ratio: float) -> Dropped:
    return Dropped(reason, f"{ratio:.3f} of the lines")


def _judge_words(
    text: str, counts: WordCounts, config: GopherQualityConfig, words: WordForm
) -> Dropped | None:
    ratio = counts.n_alphabetic / counts.n_words
    if ratio < config.min_alphabetic_word_ratio:
        limit = config.min_alphabetic_word_ratio
        return Dropped("too few words with letters", f"{ratio:.3f}, at least {limit}")
    if not _has_stop_words(text, config, words):
        return Dropped("too few stop words", f"fewer than {config.min_stop_words}")
    return None


def _has_stop_words(text: str, config: GopherQualityConfig, words: WordForm) -> bool:
    """Are there enough different ones?"""
    sought, wanted = frozenset(config.stop_words), config.min_stop_words
    if not wanted:
        return True
    if len(text) > _HEAD_CHARS and is_plain("".join(sought), words):
        # What stands between white space is a word, where the stop words are.
        head = text[:_HEAD_CHARS].split()[:-1]  # the last may be cut
        if len(sought.intersection(head)) >= wanted:
            return True
    return len(sought.intersection(split_words(text, words))) >= wanted
