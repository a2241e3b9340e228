"""What the dial needs to know of a corpus: how much text, how many questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scratchlm.base.config import Config
from scratchlm.corpus import Corpus, Document


class CorpusFacts(Config):
    """Sizes of a corpus, counted from its files."""

    train_bytes: int
    """Bytes of the text that is trained on, UTF-8."""
    heldout_bytes: int
    """Bytes of the text that is held out of everything."""
    n_train_documents: int
    n_heldout_documents: int
    n_conversations: int
    """Conversations to learn from."""
    conversation_bytes: int
    """Bytes of all their messages."""
    n_pairs: int
    """Preference pairs to learn from."""
    pair_bytes: int
    """Bytes of prompt and answer, of both answers of each pair."""


def count_facts(directory: Path) -> CorpusFacts:
    """Count a corpus directory.

    Raises:
        UserError: one of its files is missing or damaged.
    """
    corpus = Corpus.open(directory)
    n_train, train_bytes = _count(_texts(corpus.train_documents()))
    n_heldout, heldout_bytes = _count(_texts(corpus.heldout_documents()))
    conversations = corpus.conversations("train")
    n_conversations, conversation_bytes = _count(map(_conversation_text, conversations))
    n_pairs, pair_bytes = _count(map(_pair_text, corpus.preferences("train")))
    return CorpusFacts(
        train_bytes=train_bytes,
        heldout_bytes=heldout_bytes,
        n_train_documents=n_train,
        n_heldout_documents=n_heldout,
        n_conversations=n_conversations,
        conversation_bytes=conversation_bytes,
        n_pairs=n_pairs,
        pair_bytes=pair_bytes,
    )


def _count(texts: Iterable[str]) -> tuple[int, int]:
    n_texts = n_bytes = 0
    for text in texts:
        n_texts += 1
        n_bytes += len(text.encode("utf-8", errors="replace"))
    return n_texts, n_bytes


def _texts(documents: Iterable[Document]) -> Iterable[str]:
    return (document.text for document in documents)


def _conversation_text(row: Mapping[str, Any]) -> str:
    return "".join(message["content"] for message in row["messages"])


def _pair_text(row: Mapping[str, Any]) -> str:
    prompt = "".join(message["content"] for message in row["prompt"])
    return str(prompt + row["chosen"] + prompt + row["rejected"])
