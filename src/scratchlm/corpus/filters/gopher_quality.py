"""Gopher's rules of quality: does a document look like prose?

The order of the rules decides which reason is given; ratios "for each word" divide by
all words, symbols standing alone included, while the number of words and their mean
length leave those out (`words.WordCounts`).
"""

import re
from functools import lru_cache

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
    lines = text.splitlines()
    most_bullets = sum(map(text.count, _BULLETS))  # no line has more than these
    if most_bullets / len(lines) > config.max_bullet_line_ratio:
        ratio = sum([s.lstrip()[:1] in _BULLETS for s in lines]) / len(lines)
        if ratio > config.max_bullet_line_ratio:
            return _lines("bullets begin too many lines", ratio)
    most_ellipses = sum(map(text.count, _ELLIPSES))
    if most_ellipses / len(lines) > config.max_ellipsis_line_ratio:
        ratio = sum([s.rstrip().endswith(_ELLIPSES) for s in lines]) / len(lines)
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
    wanted, seen = config.min_stop_words, set[str]()
    if not wanted:
        return True
    sought = config.stop_words
    if is_plain("".join(sought), words):  # between white space each is a word
        for match in _stop_word(sought).finditer(text, 0, _HEAD_CHARS):
            if match.end() < _HEAD_CHARS:  # not the first half of a word
                seen.add(match[0])
        if len(seen) >= wanted:
            return True
    return len(set(sought).intersection(split_words(text, words))) >= wanted


@lru_cache(8)
def _stop_word(stop_words: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(map(re.escape, stop_words))
    return re.compile(rf"(?<!\S)(?:{either})(?!\S)")
