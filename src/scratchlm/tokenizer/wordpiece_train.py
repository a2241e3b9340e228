"""Train WordPiece: counted words → units → merges, of which only the tokens are kept.

A unit is a character (BERT's form) or a byte (the cased form) together with whether it
begins or continues a word. Pairs of neighbours are merged as in BPE, by frequency
(what Hugging Face's WordPieceTrainer does) or by likelihood; then the merges are
forgotten, for WordPiece spells by the longest token.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scratchlm import native
from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress
from scratchlm.tokenizer.bert import UNKNOWN
from scratchlm.tokenizer.bpe import Merge, learn_merges_of_symbols
from scratchlm.tokenizer.likelihood import learn_merges_by_likelihood
from scratchlm.tokenizer.pattern import PatternName
from scratchlm.tokenizer.wordpiece import WordPiece

Score = Literal["frequency", "likelihood"]
Unit = tuple[bytes, bool]
"""Bytes of a token, and whether it continues a word."""
Words = Iterable[tuple[bytes, int]]
"""Words or pieces as UTF-8, and how often each occurs."""


@dataclass(frozen=True)
class MergeOptions:
    """Which pairs are merged, and how many."""

    n_tokens: int
    """Tokens of the vocabulary, units included, control tokens left out."""
    score: Score = "frequency"
    """Which pair is merged next."""
    min_frequency: int = 2
    """A pair that occurs less often is never merged."""
    max_token_bytes: int | None = None
    """Longest token."""


def train_cased(
    pieces: Words,
    options: MergeOptions,
    pattern: PatternName = "llama3",
    progress: Progress = SILENT,
) -> WordPiece:
    """Train the form that keeps the text; its first 512 tokens are the bytes.

    Raises:
        UserError: fewer than 512 tokens.
    """
    beginning = [(bytes([byte]), False) for byte in range(256)]
    units = beginning + [(byte, True) for byte, _ in beginning]
    symbols = ((_cased_symbols(piece), count) for piece, count in pieces)
    return WordPiece.cased(_grow(units, symbols, options, progress), pattern)


def train_bert(
    words: Words,
    options: MergeOptions,
    *,
    lower: bool = True,
    limit_alphabet: int | None = None,
    progress: Progress = SILENT,
) -> WordPiece:
    """Train BERT's form; token 0 is [UNK], then come the units in Unicode's order.

    Args:
        words: as `BertSplit` cuts them.
        options: which pairs are merged.
        lower: whether the words were lower-cased and their accents stripped.
        limit_alphabet: keep this many characters, the most frequent, of equally
            frequent ones those first in Unicode; others are left out of their words.
        progress: told how many merges were learned.

    Raises:
        UserError: the characters alone are more than `n_tokens`.
    """
    texts = [(word.decode("utf-8", "replace"), count) for word, count in words]
    alphabet = _most_frequent(texts, limit_alphabet)
    listed = [_bert_units(word, alphabet) for word, _ in texts]
    continuing = {unit for word in listed for unit in word if unit[1]}
    units = [(character.encode(), False) for character in sorted(alphabet)]
    units += sorted(continuing)
    numbers = {unit: number for number, unit in enumerate(units)}
    symbols = (
        ([numbers[unit] for unit in word], count)
        for word, (_, count) in zip(listed, texts, strict=True)
    )
    grown = _grow(units, symbols, options, progress, n_before=1)
    tokens = ("##" * continues + token.decode() for token, continues in grown)
    return WordPiece(
        (UNKNOWN, *tokens), "bert", lower=lower, strip_accents=lower, prefix="##"
    )


def _grow(
    units: Sequence[Unit],
    pieces: Iterable[tuple[Sequence[int], int]],
    options: MergeOptions,
    progress: Progress,
    n_before: int = 0,
) -> list[Unit]:
    """The units, then what each merge made of them."""
    n_merges = options.n_tokens - n_before - len(units)
    if n_merges < 0:
        raise UserError(
            f"{len(units)} single characters or bytes, each beginning or continuing a "
            f"word, do not fit {options.n_tokens} tokens: raise tokenizer.vocab_size, "
            'or in form="bert" set tokenizer.limit_alphabet'
        )
    lengths = [len(token) for token, _ in units]
    grown = list(units)
    for left, right in _learn(pieces, n_merges, lengths, options, progress):
        grown.append((grown[left][0] + grown[right][0], grown[left][1]))
    return grown


def _learn(
    pieces: Iterable[tuple[Sequence[int], int]],
    n_merges: int,
    lengths: Sequence[int],
    options: MergeOptions,
    progress: Progress,
) -> list[Merge]:
    if options.score == "frequency" and native.core is not None:
        return _learn_natively(pieces, n_merges, lengths, options, progress)
    learn = (
        learn_merges_of_symbols
        if options.score == "frequency"
        else learn_merges_by_likelihood
    )
    return learn(
        pieces,
        n_merges,
        lengths=lengths,
        min_frequency=options.min_frequency,
        max_length=options.max_token_bytes,
        progress=progress,
    )


def _learn_natively(
    pieces: Iterable[tuple[Sequence[int], int]],
    n_merges: int,
    lengths: Sequence[int],
    options: MergeOptions,
    progress: Progress,
) -> list[Merge]:
    """The same as `learn_merges_of_symbols`, in the C core."""
    assert native.core is not None
    listed = list(pieces)
    ends = np.cumsum([0, *(len(symbols) for symbols, _ in listed)], dtype=np.int64)
    cells = np.fromiter((s for symbols, _ in listed for s in symbols), np.int32)
    learned, _ = native.core.learn_merges(
        cells,
        ends,
        np.array([count for _, count in listed], np.int64),
        np.array(lengths, np.int32),
        np.zeros((0, 2), np.int32),
        n_merges,
        options.min_frequency,
        options.max_token_bytes or 0,
    )
    pairs = np.frombuffer(learned, np.int32).reshape(-1, 2).tolist()
    progress.update(len(pairs), n_merges, "merges")
    return [(left, right) for left, right in pairs]


def _cased_symbols(piece: bytes) -> list[int]:
    """Symbols 0 to 255 begin a piece, 256 to 511 continue it."""
    return [byte if at == 0 else 256 + byte for at, byte in enumerate(piece)]


def _bert_units(word: str, alphabet: frozenset[str]) -> list[Unit]:
    return [
        (character.encode(), at > 0)
        for at, character in enumerate(word)
        if character in alphabet
    ]


def _most_frequent(
    words: Iterable[tuple[str, int]], limit: int | None
) -> frozenset[str]:
    counts: Counter[str] = Counter()
    for word, count in words:
        for character in word:
            counts[character] += count
    ordered = sorted(counts, key=lambda character: (-counts[character], character))
    return frozenset(ordered[:limit])
