"""datatrove's filters, pinned, with the words and sentences that it is handed.

Installed once into `.peers/filters/` beside this checkout's sources, away from its own
environment, which goes first where both hold a package.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from pinned import install_pinned
from scratchlm.corpus.document import Document
from scratchlm.corpus.filters.sentences import sentence_ends
from scratchlm.corpus.rule import Dropped, Verdict

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("SCRATCHLM_PEERS", HERE.parent / ".peers")) / "filters"
PINNED = {"datatrove": "0.10.0", "spacy": "3.8.18", "regex": "2026.11.15"}
NAMES = ("gopher_repetition", "gopher_quality", "c4", "fineweb")
# What datatrove calls our reasons.
REASONS = {
    "dup_para_frac": "too many repeated paragraphs",
    "dup_para_char_frac": "too much text in repeated paragraphs",
    "dup_line_frac": "too many repeated lines",
    "dup_line_char_frac": "too much text in repeated lines",
    **{f"top_{n}_gram": f"one {n}-gram too frequent" for n in range(2, 5)},
    **{
        f"duplicated_{n}_n_grams": f"too much text in repeated {n}-grams"
        for n in range(5, 11)
    },
    "gopher_short_doc": "too few words",
    "gopher_long_doc": "too many words",
    "gopher_below_avg_threshold": "words too short",
    "gopher_above_avg_threshold": "words too long",
    "gopher_too_many_hashes": "too many hashes",
    "gopher_too_many_ellipsis": "too many ellipses",
    "gopher_too_many_bullets": "bullets begin too many lines",
    "gopher_too_many_end_ellipsis": "ellipses end too many lines",
    "gopher_below_alpha_threshold": "too few words with letters",
    "gopher_enough_stop_words": "too few stop words",
    "lorem_ipsum": "lorem ipsum",
    "curly_bracket": "curly bracket",
    "too_few_sentences": "too few sentences",
    "empty": "empty",
    "line_punct_ratio": "too few lines end a sentence",
    "short_line_ratio": "too many short lines",
    "char_dup_ratio": "too much text in repeated lines",
    "list_ratio": "too many newlines",
}


def install_peers() -> None:
    """Install what is missing and make it importable."""
    install_pinned(FOLDER, PINNED)
    sys.path.append(str(FOLDER))


def peer_filters() -> dict[str, Any]:
    """datatrove's filters by our names, with their published thresholds."""
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )

    kinds = (
        GopherRepetitionFilter,
        GopherQualityFilter,
        C4QualityFilter,
        FineWebQualityFilter,
    )
    return dict(zip(NAMES, (kind() for kind in kinds), strict=True))


def use_splitter(name: str) -> None:
    """Hand datatrove white-space words and our sentences, or its own spaCy.

    The cache of the last five texts is cleared: each run pays for its words.
    """
    from datatrove.utils import text, word_tokenizers

    chosen = _white_space() if name == "white_space" else _own_splitter()
    word_tokenizers.load_word_tokenizer = lambda language: chosen
    text.split_into_parts.cache_clear()


def forget_words() -> None:
    """Empty datatrove's cache of words."""
    from datatrove.utils import text

    text.split_into_parts.cache_clear()


def _white_space() -> Any:
    from datatrove.utils.word_tokenizers import WordTokenizer

    class WhiteSpace(WordTokenizer):
        """`str.split`, and the sentence rule of scratchlm."""

        def word_tokenize(self, text: str) -> list[str]:
            return text.split()

        def sent_tokenize(self, text: str) -> list[str]:
            return [text[a:b] for a, b in self.span_tokenize(text)]

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            ends = [*sentence_ends(text), len(text)]
            return list(zip([0, *ends], ends, strict=False))

    return WhiteSpace("en")


def _own_splitter() -> Any:
    from datatrove.utils.word_tokenizers import SpaCyTokenizer

    return SpaCyTokenizer("en")


def peer_verdict(peer: Any, document: Document) -> Verdict | str:
    """What datatrove says of a document, in our words, or how it failed."""
    from datatrove.data import Document as PeerDocument

    theirs = PeerDocument(text=document.text, id=document.id)
    try:
        result = peer.filter(theirs)
    except (ZeroDivisionError, AssertionError, ValueError, UnicodeError) as error:
        return f"{type(error).__name__}: {error}"
    if result is True:
        return Document(document.id, theirs.text, document.source)
    return Dropped(REASONS[result[1]])


def same_verdict(ours: Verdict, theirs: Verdict | str) -> bool:
    """Kept with the same text, or dropped for the same reason."""
    if isinstance(ours, Dropped):
        return isinstance(theirs, Dropped) and ours.reason == theirs.reason
    return isinstance(theirs, Document) and ours.text == theirs.text
