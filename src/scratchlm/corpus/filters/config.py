"""Which filters run, and their thresholds: as published, once a filter is switched on.

All comparisons are strict: what equals a threshold passes. Lengths are code points, a
share is a fraction of 1, and a limit of `inf` (in TOML too) is none. `preset` fills in
what a published recipe used; whatever is said beside it wins.
"""

import re
from collections.abc import Mapping
from math import inf
from typing import Any

from pydantic import Field, field_validator, model_validator

from scratchlm.base.config import Config, merge
from scratchlm.corpus.filters.presets import PRESETS, Preset
from scratchlm.corpus.filters.words import WordForm

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")


class GopherQualityConfig(Config):
    """Gopher's rules of quality (Rae et al. 2021, appendix A)."""

    enabled: bool = False
    """Run this filter."""
    min_words: int = Field(default=50, ge=0)
    """Fewest words with a character that is no punctuation."""
    max_words: float = Field(default=100_000, gt=0)
    """Most of these words."""
    min_mean_word_chars: float = Field(default=3, ge=0)
    """Least mean length of these words."""
    max_mean_word_chars: float = Field(default=10, gt=0)
    """Greatest mean length of these words."""
    max_symbol_ratio: float = Field(default=0.1, ge=0)
    """Most "#" for each word; and most ellipses."""
    max_bullet_line_ratio: float = Field(default=0.9, ge=0)
    """Greatest share of lines that begin with • or -."""
    max_ellipsis_line_ratio: float = Field(default=0.3, ge=0)
    """Greatest share of lines that end in an ellipsis."""
    min_alphabetic_word_ratio: float = Field(default=0.8, ge=0, le=1)
    """Least share of words with a letter."""
    min_stop_words: int = Field(default=2, ge=0)
    """Fewest different stop words."""
    stop_words: tuple[str, ...] = STOP_WORDS
    """The stop words, as they are written; English unless said."""


class GopherRepetitionConfig(Config):
    """Gopher's rules of repetition (table A1)."""

    enabled: bool = False
    """Run this filter."""
    max_paragraph_ratio: float = Field(default=0.3, ge=0)
    """Greatest share of paragraphs that occurred before."""
    max_paragraph_char_ratio: float = Field(default=0.2, ge=0)
    """Greatest share of characters in these."""
    max_line_ratio: float = Field(default=0.3, ge=0)
    """Greatest share of lines that occurred before."""
    max_line_char_ratio: float = Field(default=0.2, ge=0)
    """Greatest share of characters in these."""
    max_top_ratios: tuple[float, float, float] = (0.2, 0.18, 0.16)
    """Greatest share of characters in the most frequent n-gram, for n = 2, 3, 4."""
    max_repeated_ratios: tuple[float, float, float, float, float, float] = (
        0.15,
        0.14,
        0.13,
        0.12,
        0.11,
        0.1,
    )
    """Greatest share of characters in n-grams seen before, for n = 5 … 10."""


class C4Config(Config):
    """C4's rules for lines (Raffel et al. 2020), with FineWeb's numbers: the original
    asks for 5 words a line and 3 sentences."""

    enabled: bool = False
    """Run this filter; it rewrites the text: lines that are kept, stripped."""
    end_marks: bool = True
    """Drop lines that do not end with . ? ! " or ' or that end with an ellipsis."""
    min_sentences: int = Field(default=5, ge=0)
    """Fewest sentences in the lines that are kept."""
    min_words_per_line: int = Field(default=3, ge=0)
    """Drop lines of fewer words."""
    max_word_chars: float = Field(default=1000, gt=0)
    """Drop lines with a longer word."""
    citations: bool = True
    """Delete [1], [], [edit] and [citation needed]."""
    lorem_ipsum: bool = True
    """Drop documents in which a line says "lorem ipsum"."""
    javascript: bool = True
    """Drop lines that mention Javascript."""
    curly_bracket: bool = True
    """Drop documents in which a line has a {."""
    policy: bool = True
    """Drop lines on cookies, privacy policies and terms of use."""


class ParagraphConfig(Config):
    """mC4's rule (Xue et al. 2021): enough lines that are long."""

    enabled: bool = False
    """Run this filter."""
    min_paragraphs: int = Field(default=3, ge=1)
    """Fewest lines of `min_chars`."""
    min_chars: int = Field(default=200, ge=1)
    """Characters of a line that counts as a paragraph."""


class BadWordConfig(Config):
    """Words that no document may hold, from lists of one's own."""

    enabled: bool = False
    """Run this filter."""
    lists: dict[str, str] = Field(default_factory=dict)
    """Language code → path of a UTF-8 file with one entry a line."""
    default_language: str = "en"
    """The list for documents whose language is not known."""
    keep_ratio: float = Field(default=0, ge=0, le=1)
    """Share of such documents that stays all the same, decided by their text alone."""


class FineWebConfig(Config):
    """FineWeb's own rules (Penedo et al. 2024)."""

    enabled: bool = False
    """Run this filter."""
    min_end_mark_ratio: float = Field(default=0.12, ge=0, le=1)
    """Least share of lines that end with a terminal mark."""
    max_short_line_ratio: float = Field(default=0.67, ge=0)
    """Greatest share of short lines."""
    short_line_chars: int = Field(default=30, ge=0)
    """Characters up to which a line is short."""
    max_repeated_char_ratio: float = Field(default=0.01, ge=0)
    """Greatest share of characters in lines that occurred before."""
    max_newline_ratio: float = Field(default=0.3, ge=0)
    """Most newlines for each word."""


class LineConfig(Config):
    """Rules of one's own for lines and documents."""

    enabled: bool = False
    """Run this filter; it rewrites the text where lines go."""
    drop_lines: tuple[str, ...] = ()
    """Drop lines in which one of these regular expressions is found."""
    drop_documents: tuple[str, ...] = ()
    """Drop documents in which one of these regular expressions is found."""
    min_chars: int = Field(default=0, ge=0)
    """Drop shorter lines that are not blank."""
    max_chars: float = Field(default=inf, gt=0)
    """Drop longer lines."""
    min_words: int = Field(default=0, ge=0)
    """Drop lines of fewer words that are not blank."""
    min_kept_ratio: float = Field(default=0, ge=0, le=1)
    """Drop documents that keep a smaller share of their characters."""

    canary: str | None = None
    """A text that these rules must not pass unchanged: every worker tries it first.
    Needed where patterns are the only rules."""

    @field_validator("drop_lines", "drop_documents")
    @classmethod
    def _compiles(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(
                    f"{pattern!r} is no regular expression: {error}"
                ) from None
        return patterns


class FilterConfig(Config):
    """All filters, in the order in which they run."""

    preset: Preset | None = None
    """A published recipe: gopher, c4, fineweb or fineweb2-de."""
    words: WordForm = "unicode"
    """How words are found: `unicode` (as white_space, and by syllables where a script
    has no blanks) or `white_space` alone."""
    languages: tuple[str, ...] = ()
    """Judge documents of these languages only and pass the others; all, if empty."""
    gopher_repetition: GopherRepetitionConfig = GopherRepetitionConfig()
    """Documents that repeat themselves."""
    gopher_quality: GopherQualityConfig = GopherQualityConfig()
    """Documents that do not look like prose."""
    c4: C4Config = C4Config()
    """Lines that are no sentences, and what is left of a document."""
    paragraphs: ParagraphConfig = ParagraphConfig()
    """Documents without long lines."""
    bad_words: BadWordConfig = BadWordConfig()
    """Documents with a word of a list."""
    fineweb: FineWebConfig = FineWebConfig()
    """Documents that are lists."""
    lines: LineConfig = LineConfig()
    """Lines and documents by rules of one's own."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in_preset(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or values.get("preset") not in [*PRESETS]:
            return values
        said = {k: _as_mapping(v) for k, v in values.items()}
        return merge(PRESETS[values["preset"]], said)


def _as_mapping(value: Any) -> Any:
    return value.model_dump() if isinstance(value, Config) else value
