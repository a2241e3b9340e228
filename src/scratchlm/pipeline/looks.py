"""Looks at a model while it learns: held-out loss, of each source too, and its units.

    B rows, T tokens of context

Held-out text is read in a few fixed rows: enough for a curve, not for a claim (the
evaluation reads all of it). Each look is a hook, `(steps done, model) → figure`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from scratchlm.base.metrics import MetricsWriter
from scratchlm.corpus.document import Document
from scratchlm.data import TokenStore
from scratchlm.model import Transformer
from scratchlm.tokenizer import Tokenizer
from scratchlm.train.units import measure_units

Rows = np.ndarray[tuple[int, int], np.dtype[np.int64]]
"""(B, T + 1): ids, of which the first T are read and the last T predicted."""

Verdict = Callable[[int, float], object]

HELDOUT_ROWS = 32
SOURCE_ROWS = 8
"""Rows of each source."""
MOST_SOURCES = 12
"""Those with the most held-out text are measured by themselves."""
LEAST_TOKENS = 64
"""A source with less held-out text than this is left out."""
MOST_DOCUMENTS = 20_000
"""Held-out documents that are looked through for sources."""
UNIT_ROWS = 16


class HeldoutHook:
    """Writes `val/loss` (nats a token) and `val/bits_per_byte` of fixed rows.

    `verdict` is told each look's steps and bits per byte.
    """

    def __init__(
        self,
        store: TokenStore,
        tokenizer: Tokenizer,
        context_length: int,
        metrics: MetricsWriter,
        verdict: Verdict | None = None,
    ) -> None:
        self._rows = spread_rows(store, context_length + 1, HELDOUT_ROWS)
        self._n_bytes = count_bytes(self._rows, tokenizer)
        self._metrics = metrics
        self._verdict = verdict

    def __call__(self, done: int, model: Transformer) -> float:
        """Measure, write one row, and return the loss, by which checkpoints compete."""
        loss = mean_loss(model, self._rows)
        values = {"val/loss": loss}
        if self._n_bytes:
            values["val/bits_per_byte"] = _bits(loss, self._rows, self._n_bytes)
        self._metrics.write(done, values)
        if self._verdict and self._n_bytes:
            self._verdict(done, values["val/bits_per_byte"])
        return loss


class SourceHook:
    """Writes `val/bits_per_byte/<source>` for each source of the held-out documents."""

    def __init__(
        self,
        rows: Mapping[str, Rows],
        tokenizer: Tokenizer,
        metrics: MetricsWriter,
    ) -> None:
        self._rows = dict(rows)
        self._n_bytes = {k: count_bytes(v, tokenizer) for k, v in rows.items()}
        self._metrics = metrics

    def __call__(self, done: int, model: Transformer) -> None:
        """Measure every source and write one row."""
        values = {
            f"val/bits_per_byte/{source}": _bits(
                mean_loss(model, rows), rows, self._n_bytes[source]
            )
            for source, rows in self._rows.items()
            if self._n_bytes[source]
        }
        self._metrics.write(done, values)


class UnitsHook:
    """Writes `units/dead_frac` and `units/unused_experts`; says once what is odd."""

    def __init__(
        self, rows: Rows, metrics: MetricsWriter, note: Callable[[str], object]
    ) -> None:
        self._tokens = torch.from_numpy(rows[:, :-1].copy())
        self._metrics = metrics
        self._note = note
        self._said: set[str] = set()

    def __call__(self, done: int, model: Transformer) -> None:
        """Measure and write one row."""
        use = measure_units(model, self._tokens)
        self._metrics.write(done, use.values)
        for finding in use.judge():
            if not finding.normal and finding.check not in self._said:
                self._said.add(finding.check)
                self._note(str(finding))


@torch.no_grad()
def mean_loss(model: Transformer, rows: Rows) -> float:
    """Nats a token over rows (B, T + 1), eight at a time."""
    device = next(model.parameters()).device
    nats = 0.0
    for part in torch.from_numpy(rows).split(8):
        tokens, wanted = _halves(part.to(device))
        nats += float(model.loss(tokens, wanted)) * wanted.numel()
    return nats / max(rows[:, 1:].size, 1)


def rows_by_source(
    documents: Iterable[Document], tokenizer: Tokenizer, context_length: int
) -> dict[str, Rows]:
    """Rows of each source, (≤ 8, ≤ T + 1), from the first documents of each.

    Only sources with the most text are kept, and none where there is but one.
    """
    wanted = SOURCE_ROWS * (context_length + 1)
    streams: dict[str, list[int]] = {}
    sizes: dict[str, int] = {}
    for index, document in enumerate(documents):
        if index == MOST_DOCUMENTS:
            break
        stream = streams.setdefault(document.source, [])
        sizes[document.source] = sizes.get(document.source, 0) + len(document.text)
        if len(stream) < 2 * wanted:
            # no token has more characters than its bytes: 16 a token is plenty
            stream += tokenizer.encode(document.text[: 16 * wanted])
            stream.append(tokenizer.endoftext_id)
    largest = sorted(streams, key=lambda source: (-sizes[source], source))
    kept = [s for s in largest if len(streams[s]) >= LEAST_TOKENS][:MOST_SOURCES]
    if len(kept) < 2:
        return {}
    return {
        source: spread_rows(
            np.array(streams[source], np.int64),
            min(context_length + 1, len(streams[source])),
            SOURCE_ROWS,
        )
        for source in sorted(kept)
    }


def spread_rows(
    store: TokenStore | np.ndarray[tuple[int], np.dtype[np.int64]],
    length: int,
    n_rows: int,
) -> Rows:
    """Rows (n, length) of int64 from evenly spread places of a store or an array.

    Fewer rows where it is small; none where it is shorter than a row.
    """
    last = len(store) - length
    if last < 0:
        return np.zeros((0, length), np.int64)
    n_rows = min(n_rows, last // length + 1)
    starts: Sequence[int] = np.linspace(0, last, n_rows).astype(np.int64).tolist()
    return np.stack([store[at : at + length].astype(np.int64) for at in starts])


def count_bytes(rows: Rows, tokenizer: Tokenizer) -> int:
    """UTF-8 bytes of the tokens that rows predict."""
    return int(tokenizer.byte_lengths[rows[:, 1:]].sum())


def _bits(loss: float, rows: Rows, n_bytes: int) -> float:
    return loss * rows[:, 1:].size / math.log(2) / n_bytes


def _halves(rows: Tensor) -> tuple[Tensor, Tensor]:
    return rows[:, :-1].contiguous(), rows[:, 1:].contiguous()
