"""The filters as rules of a build, each with a document that it must not pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.bad_words import doomed_bad_words, judge_bad_words
from scratchlm.corpus.filters.c4 import (
    doomed_c4,
    doomed_paragraphs,
    judge_c4,
    judge_paragraphs,
)
from scratchlm.corpus.filters.config import BadWordConfig, FilterConfig
from scratchlm.corpus.filters.fineweb import doomed_fineweb, judge_fineweb
from scratchlm.corpus.filters.gopher_quality import doomed_quality, judge_quality
from scratchlm.corpus.filters.gopher_repetition import (
    doomed_repetition,
    judge_repetition,
)
from scratchlm.corpus.filters.lines import doomed_lines, judge_lines
from scratchlm.corpus.filters.words import WordForm
from scratchlm.corpus.rule import Rule, Verdict

Judge = Callable[[Document, Any, WordForm], Verdict]
Doomed = Callable[[Any], str | None]

# The name is that of the configuration's section too; in the order in which they run.
_FILTERS: tuple[tuple[str, Judge, Doomed], ...] = (
    ("gopher_repetition", judge_repetition, doomed_repetition),
    ("gopher_quality", judge_quality, doomed_quality),
    ("c4", judge_c4, doomed_c4),
    ("paragraphs", judge_paragraphs, doomed_paragraphs),
    ("bad_words", judge_bad_words, lambda config: None),
    ("fineweb", judge_fineweb, doomed_fineweb),
    ("lines", judge_lines, doomed_lines),
)


@dataclass(frozen=True)
class FilterRule:
    """One filter with its thresholds: a `Rule` that judges each document by itself."""

    name: str
    judge: Judge
    config: Any
    words: WordForm
    languages: tuple[str, ...]
    canary: Document | None

    def apply(self, documents: Sequence[Document]) -> list[Verdict]:
        """One verdict a document, in order."""
        return [self._verdict(document) for document in documents]

    def _verdict(self, document: Document) -> Verdict:
        if self.languages and document.metadata.get("language") not in self.languages:
            return document
        return self.judge(document, self.config, self.words)


def build_filter_rules(config: FilterConfig) -> list[Rule]:
    """The filters that are switched on, in order.

    Raises:
        UserError: a list of words cannot be read.
    """
    rules: list[Rule] = []
    for name, judge, doomed in _FILTERS:
        section = getattr(config, name)
        if section.enabled:
            canary = _canary(name, section, doomed, config.languages)
            rules.append(
                FilterRule(name, judge, section, config.words, config.languages, canary)
            )
    return rules


def _canary(
    name: str, section: Any, doomed: Doomed, languages: tuple[str, ...]
) -> Document | None:
    language, text = languages[0] if languages else None, doomed(section)
    if isinstance(section, BadWordConfig):
        language, text = doomed_bad_words(section) or (None, None)
    if text is None or (languages and language not in languages):
        return None
    metadata = {} if language is None else {"language": language}
    return Document(f"canary:{name}", text, "canary", metadata)
