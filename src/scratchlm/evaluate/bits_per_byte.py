"""Bits per byte: how many bits the model needs for each byte of text it never saw.

    bits per byte = -sum over tokens of log2 p(token | tokens before it) / UTF-8 bytes

Unlike a loss per token it does not depend on the tokenizer, and it is what a
compressor's output is measured in. Each document stands alone: its first token is
predicted after <|endoftext|>, so that every byte is paid for; the end of the document
is not scored, for it has no bytes. A document longer than the context is read through
windows that advance by ``stride`` tokens; each token is scored exactly once, in the
first window that reaches it, with at least ``context_length - stride`` tokens before
it wherever the document has as many (Hugging Face's "strided perplexity").

    context 8, stride 4      |  tokens 0..7 scored  |
                                 |  4..7 read only  |  8..11 scored  |

Axes: B windows, T tokens of a window, C channels, V vocabulary, N scored tokens.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.statistics import bootstrap_ratio_interval, finite

if TYPE_CHECKING:
    from scratchlm.model.transformer import Transformer
    from scratchlm.tokenizer import Tokenizer

Integers = NDArray[np.int64]

_LOGITS_AT_ONCE = 1 << 23  # 32 MB of float32


@dataclass(frozen=True)
class DocumentBits:
    """One document: bits needed for its bytes."""

    name: str
    n_bytes: int
    n_tokens: int
    bits: float

    @property
    def bits_per_byte(self) -> float:
        """Bits per byte; nan for an empty document."""
        return self.bits / self.n_bytes if self.n_bytes else math.nan


@dataclass(frozen=True)
class BitsPerByte:
    """All bits over all bytes, with a 95 % bootstrap interval over documents.

    ``low`` and ``high`` are nan where there is only one document.
    """

    value: float
    low: float
    high: float
    n_bytes: int
    n_tokens: int
    per_document: tuple[DocumentBits, ...]

    def as_json(self) -> dict[str, Any]:
        """Rounded to six decimals; documents in the order they were given."""
        return {
            "value": finite(self.value),
            "low": finite(self.low),
            "high": finite(self.high),
            "n_documents": len(self.per_document),
            "n_bytes": self.n_bytes,
            "n_tokens": self.n_tokens,
            "bytes_per_token": finite(self.n_bytes / max(self.n_tokens, 1)),
        }


@dataclass(frozen=True)
class Window:
    """Inputs ``[begin, end)`` of a document; the targets of ``[scored, end)`` count."""

    document: int
    begin: int
    end: int
    scored: int


def bits_per_byte(
    model: Transformer,
    tokenizer: Tokenizer,
    texts: Sequence[str],
    context_length: int,
    stride: int | None = None,
    batch_size: int = 16,
    names: Sequence[str] | None = None,
    progress: Progress = SILENT,
) -> BitsPerByte:
    """Measure a model's bits per byte on whole documents.

    Args:
        model: in evaluation mode; runs where its parameters are.
        tokenizer: the one the model was trained with.
        texts: documents; an empty one costs nothing and counts nothing.
        context_length: tokens of a window, at most the model's.
        stride: tokens scored by each window after the first; half a window if None.
        batch_size: windows at once; does not change what is scored.
        names: labels of the documents in the table.

    Raises:
        UserError: the stride is not between 1 and the context length.
    """
    stride = context_length // 2 if stride is None else stride
    if not 1 <= stride <= context_length:
        raise UserError(
            f"evaluate: stride = {stride} is not between 1 and the context length "
            f"{context_length}; half of it is usual"
        )
    labels = list(names) if names is not None else [str(i) for i in range(len(texts))]
    documents = [_encode(tokenizer, text) for text in texts]
    nats = score_documents(
        model, documents, context_length, stride, batch_size, progress
    )
    rows = tuple(
        DocumentBits(
            name, len(text.encode("utf-8")), len(ids) - 1, float(n) / math.log(2)
        )
        for name, text, ids, n in zip(labels, texts, documents, nats, strict=True)
    )
    return summarize(rows)


def summarize(rows: Sequence[DocumentBits]) -> BitsPerByte:
    """Put documents together: total bits over total bytes, documents resampled."""
    interval = bootstrap_ratio_interval(
        [row.bits for row in rows], [row.n_bytes for row in rows]
    )
    return BitsPerByte(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n_bytes=sum(row.n_bytes for row in rows),
        n_tokens=sum(row.n_tokens for row in rows),
        per_document=tuple(rows),
    )


def build_windows(
    lengths: Sequence[int], context_length: int, stride: int
) -> Iterator[Window]:
    """Cut documents of so many targets into windows; every target is scored once.

    A window ends at its last scored target and reaches back as far as the context
    allows, so that the last window of a document is as full as all others.
    """
    for document, n in enumerate(lengths):
        scored = 0
        while scored < n:
            end = min(scored + (stride if scored else context_length), n)
            yield Window(document, max(0, end - context_length), end, scored)
            scored = end


@torch.inference_mode()
def score_documents(
    model: Transformer,
    documents: Sequence[Integers],
    context_length: int,
    stride: int,
    batch_size: int,
    progress: Progress = SILENT,
) -> NDArray[np.float64]:
    """Negative log-likelihood in nats of each document after its first token.

    ``documents`` are token ids (n + 1,); returns (len(documents),) float64.
    """
    lengths = [len(ids) - 1 for ids in documents]
    windows = list(build_windows(lengths, context_length, stride))
    windows.sort(key=lambda w: (w.begin - w.end, w.document, w.begin))  # longest first
    nats = np.zeros(len(documents), dtype=np.float64)
    for start in range(0, len(windows), batch_size):
        batch = windows[start : start + batch_size]
        for window, value in zip(
            batch, _score_windows(model, documents, batch), strict=True
        ):
            nats[window.document] += value
        progress.update(start + len(batch), len(windows), "bits per byte")
    return nats


def _score_windows(
    model: Transformer, documents: Sequence[Integers], batch: Sequence[Window]
) -> list[float]:
    longest = max(w.end - w.begin for w in batch)
    tokens = np.zeros((len(batch), longest), dtype=np.int64)  # (B, T), padded right:
    targets = np.zeros((len(batch), longest), dtype=np.int64)  # causality hides it
    counted = np.zeros((len(batch), longest), dtype=bool)
    for row, w in enumerate(batch):
        ids, n = documents[w.document], w.end - w.begin
        tokens[row, :n] = ids[w.begin : w.end]
        targets[row, :n] = ids[w.begin + 1 : w.end + 1]
        counted[row, w.scored - w.begin : n] = True
    losses = _token_losses(model, tokens, targets, counted)
    bounds = np.cumsum([w.end - w.scored for w in batch])[:-1]
    return [float(part.sum()) for part in np.split(losses, bounds)]


def _token_losses(
    model: Transformer, tokens: Integers, targets: Integers, counted: NDArray[np.bool_]
) -> NDArray[np.float64]:
    device = next(model.parameters()).device
    mask = torch.from_numpy(counted).to(device)
    hidden = model.hidden(torch.from_numpy(tokens).to(device))[mask]  # (N, C)
    wanted = torch.from_numpy(targets).to(device)[mask]  # (N,)
    rows = max(1, _LOGITS_AT_ONCE // model.config.vocab_size)
    losses = [
        F.cross_entropy(model.logits(part[None])[0].float(), ids, reduction="none")
        for part, ids in zip(hidden.split(rows), wanted.split(rows), strict=True)
    ]
    return torch.cat(losses).double().cpu().numpy()


def _encode(tokenizer: Tokenizer, text: str) -> Integers:
    ids = np.asarray(tokenizer.encode(text), dtype=np.int64)
    return np.concatenate([np.array([tokenizer.endoftext_id], dtype=np.int64), ids])
