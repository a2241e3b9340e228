"""C4's rules: keep the lines that are sentences, and documents with enough of them.

What stands in a line that an earlier rule dropped is never seen: a { in a menu costs
the menu alone. The text that is kept is rewritten: lines stripped, citations deleted.
"""

import re
from dataclasses import dataclass, replace
from heapq import nlargest

from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.config import C4Config, ParagraphConfig
from scratchlm.corpus.filters.sentences import count_sentences
from scratchlm.corpus.filters.words import WordForm
from scratchlm.corpus.rule import Dropped, Verdict

_CITATION = re.compile(r"\[(?:\d*|edit|citation needed)\]")
_END_MARKS = frozenset(".?!\"'")
_POLICIES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)


@dataclass(frozen=True)
class _Sought:
    """What some line of a document may hold: the others need not be looked through."""

    lorem_ipsum: bool
    javascript: bool
    curly_bracket: bool
    policy: bool

    @classmethod
    def in_text(cls, text: str, config: C4Config) -> "_Sought":
        if config.citations and "[" in text:
            text = _CITATION.sub("", text)  # what it parted may be a word
        lower = text.lower()
        policy = "cookie" in lower or "privacy" in lower or "terms of" in lower
        return cls(
            config.lorem_ipsum and "lorem ipsum" in lower,
            config.javascript and "javascript" in lower,
            config.curly_bracket and "{" in text,
            config.policy and policy,
        )

    @property
    def any(self) -> bool:
        return self.lorem_ipsum or self.javascript or self.curly_bracket or self.policy


def judge_c4(document: Document, config: C4Config, words: WordForm) -> Verdict:
    """The document with the lines that are kept, or why none is.

    Words of a line are those between white space, whatever `words` says.
    """
    sought = _Sought.in_text(document.text, config)
    kept = _sentence_lines(document.text, config)
    if sought.any:
        verdicts = [(line, _judge_line(line, sought)) for line in kept]
        for _, verdict in verdicts:
            if isinstance(verdict, Dropped):
                return verdict
        kept = [line for line, verdict in verdicts if verdict]
    if len(kept) < config.min_sentences:  # more lines have at least as many
        n_sentences = sum(map(count_sentences, kept))
        if n_sentences < config.min_sentences:
            found = f"{n_sentences}, at least {config.min_sentences}"
            return Dropped("too few sentences", found)
    text = "\n".join(kept).strip()
    return document if text == document.text else replace(document, text=text)


def doomed_c4(config: C4Config) -> str:
    """A text that this configuration drops or rewrites."""
    return "word" if config.min_sentences > 1 else " word"


def judge_paragraphs(
    document: Document, config: ParagraphConfig, words: WordForm
) -> Verdict:
    """The document as it is, if enough of its lines are long (mC4)."""
    lengths = map(len, document.text.split("\n"))
    longest = nlargest(config.min_paragraphs, lengths)
    if len(longest) == config.min_paragraphs and longest[-1] >= config.min_chars:
        return document
    n_long = sum(length >= config.min_chars for length in longest)
    return Dropped("too few paragraphs", f"{n_long}, at least {config.min_paragraphs}")


def doomed_paragraphs(config: ParagraphConfig) -> str:
    """A text that this configuration drops."""
    return "x" * (config.min_chars - 1)


def _sentence_lines(text: str, config: C4Config) -> list[str]:
    """The lines whose form is that of a sentence, stripped and without citations.

    Words are those of the line as it was; the end is that of what is left of it.
    """
    lines = list(map(str.strip, text.splitlines()))
    cited = config.citations and "[" in text
    if config.end_marks:
        lines = [
            s
            for s in lines
            if (s[-1:] in _END_MARKS and s[-3:] != "...") or (cited and "[" in s)
        ]
    if config.min_words_per_line:
        n = config.min_words_per_line
        lines = [line for line in lines if len(line.split(None, n - 1)) >= n]
    limit = config.max_word_chars
    if max(map(len, lines), default=0) > limit:
        lines = [line for line in lines if not _has_long_word(line, limit)]
    if cited:
        lines = [_CITATION.sub("", line) if "[" in line else line for line in lines]
    if cited and config.end_marks:
        lines = [s for s in lines if s[-1:] in _END_MARKS and s[-3:] != "..."]
    return lines


def _has_long_word(line: str, limit: float) -> bool:
    return max(map(len, line.split())) > limit


def _judge_line(line: str, sought: _Sought) -> Dropped | bool:
    """Drop the document, or keep the line?"""
    lower = line.lower()
    if sought.lorem_ipsum and "lorem ipsum" in lower:
        return Dropped("lorem ipsum")
    if sought.javascript and "javascript" in lower:
        return False
    if sought.curly_bracket and "{" in line:
        return Dropped("curly bracket")
    return not (sought.policy and any(policy in lower for policy in _POLICIES))
