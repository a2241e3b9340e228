"""What tokenizers make of texts: bytes, words, tokens, by source and by document.

Bytes per token says how long a token is (more is better), words are what stands
between white space, and tokens per word is a tokenizer's fertility there; where a
language writes no spaces between words it says nothing, and characters per token does.
Documents are read once, however many tokenizers are measured, and are not kept.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.statistics import Interval, bootstrap_ratio_interval
from scratchlm.tokenizer.documents import Labelled
from scratchlm.tokenizer.tokenizer import Tokenizer

_BATCH_CHARACTERS = 1 << 20


@dataclass
class SourceMeasure:
    """One source: a number a document in each list."""

    n_bytes: list[int] = field(default_factory=list)
    n_characters: list[int] = field(default_factory=list)
    n_words: list[int] = field(default_factory=list)
    n_tokens: dict[str, list[int]] = field(default_factory=dict)
    """Tokenizer -> tokens of each document."""

    def row(self, name: str) -> dict[str, Any]:
        """The figures of one tokenizer."""
        n_bytes, n_tokens = sum(self.n_bytes), sum(self.n_tokens[name])
        n_words, n_characters = sum(self.n_words), sum(self.n_characters)
        return {
            "n_documents": len(self.n_bytes),
            "n_bytes": n_bytes,
            "n_characters": n_characters,
            "n_words": n_words,
            "n_tokens": n_tokens,
            "bytes_per_token": self.bytes_per_token(name).as_json(),
            "characters_per_token": _ratio(n_characters, n_tokens),
            "tokens_per_word": _ratio(n_tokens, n_words),
            "characters_per_word": _ratio(n_characters, n_words),
        }

    def bytes_per_token(self, name: str) -> Interval:
        """With its interval over the documents."""
        return bootstrap_ratio_interval(self.n_bytes, self.n_tokens[name])

    def ratio(self, name: str, other: str) -> Interval:
        """Bytes per token of one over the other's; each document drawn for both."""
        return bootstrap_ratio_interval(self.n_tokens[other], self.n_tokens[name])


@dataclass
class Measurement:
    """Every tokenizer on every source."""

    names: tuple[str, ...]
    sources: dict[str, SourceMeasure]
    id_counts: dict[str, NDArray[np.int64]]
    """Tokenizer -> how often each id came, (V,)."""
    seconds: dict[str, float]
    """Tokenizer -> time spent encoding, on one thread."""

    @property
    def n_bytes(self) -> int:
        """Bytes of all texts."""
        return sum(sum(source.n_bytes) for source in self.sources.values())

    @property
    def total(self) -> SourceMeasure:
        """All sources as one."""
        whole = SourceMeasure(n_tokens={name: [] for name in self.names})
        for source in self.sources.values():
            whole.n_bytes += source.n_bytes
            whole.n_characters += source.n_characters
            whole.n_words += source.n_words
            for name in self.names:
                whole.n_tokens[name] += source.n_tokens[name]
        return whole


def measure(
    tokenizers: Mapping[str, Tokenizer], documents: Iterable[Labelled]
) -> Measurement:
    """Encode all documents with each tokenizer; empty documents count nothing."""
    names = tuple(tokenizers)
    found = Measurement(
        names,
        {},
        {name: np.zeros(t.vocab_size, np.int64) for name, t in tokenizers.items()},
        dict.fromkeys(names, 0.0),
    )
    for batch in _batches(documents):
        places = [found.sources.setdefault(label, _empty(names)) for label, _ in batch]
        texts = [text for _, text in batch]
        for place, text in zip(places, texts, strict=True):
            place.n_bytes.append(len(text.encode("utf-8", "surrogatepass")))
            place.n_characters.append(len(text))
            place.n_words.append(len(text.split()))
        for name, tokenizer in tokenizers.items():
            begun = time.perf_counter()
            ids, offsets = tokenizer.encode_batch_to_numpy(texts, threads=1)
            found.seconds[name] += time.perf_counter() - begun
            counted = np.bincount(ids, minlength=tokenizer.vocab_size)
            found.id_counts[name] += counted.astype(np.int64)
            for place, n_tokens in zip(places, np.diff(offsets).tolist(), strict=True):
                place.n_tokens[name].append(n_tokens)
    return found


def flatten(sources: Mapping[str, Iterable[str]]) -> Iterator[Labelled]:
    """Sources by name as one stream of labelled documents."""
    return ((name, text) for name, texts in sources.items() for text in texts)


def _empty(names: Iterable[str]) -> SourceMeasure:
    return SourceMeasure(n_tokens={name: [] for name in names})


def _batches(documents: Iterable[Labelled]) -> Iterator[list[Labelled]]:
    batch: list[Labelled] = []
    n_characters = 0
    for label, text in documents:
        if not text:
            continue
        batch.append((label, text))
        n_characters += len(text)
        if n_characters >= _BATCH_CHARACTERS:
            yield batch
            batch, n_characters = [], 0
    if batch:
        yield batch


def _ratio(over: int, under: int) -> float | None:
    return round(over / under, 6) if under else None
