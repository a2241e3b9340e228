"""Looks at a model while it is pretrained: held-out loss, and what it writes.

Held-out text is read in a few fixed rows: enough for a curve, not for a claim (the
evaluation reads all of it). Samples are greedy continuations of fixed prompts, so
that two looks differ by the model alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from scratchlm.base.metrics import MetricsWriter
from scratchlm.data import TokenStore
from scratchlm.generate import generate
from scratchlm.model import Transformer
from scratchlm.tokenizer import Tokenizer

Hook = Callable[[int, Transformer], None]

HELDOUT_ROWS = 32
PROMPT_TOKENS = 24
NEW_TOKENS = 48
N_PROMPTS = 3


class HeldoutHook:
    """Writes `val/loss` (nats a token) and `val/bits_per_byte` of fixed rows."""

    def __init__(
        self,
        store: TokenStore,
        tokenizer: Tokenizer,
        context_length: int,
        metrics: MetricsWriter,
    ) -> None:
        stream = spread_rows(store, context_length + 1, HELDOUT_ROWS)  # (B, T + 1)
        self._tokens = torch.from_numpy(stream[:, :-1].copy())
        self._targets = torch.from_numpy(stream[:, 1:].copy())
        self._n_bytes = int(tokenizer.byte_lengths[stream[:, 1:]].sum())
        self._metrics = metrics

    @torch.no_grad()
    def __call__(self, done: int, model: Transformer) -> None:
        """Measure and write one row."""
        device = next(model.parameters()).device
        nats = sum(
            float(model.loss(rows.to(device), wanted.to(device))) * wanted.numel()
            for rows, wanted in zip(
                self._tokens.split(8), self._targets.split(8), strict=True
            )
        )
        values = {"val/loss": nats / self._targets.numel()}
        if self._n_bytes:
            values["val/bits_per_byte"] = nats / math.log(2) / self._n_bytes
        self._metrics.write(done, values)


class SampleHook:
    """Writes what the model makes of fixed beginnings to `samples.jsonl`."""

    def __init__(self, store: TokenStore, tokenizer: Tokenizer, path: Path) -> None:
        rows = spread_rows(store, PROMPT_TOKENS, N_PROMPTS)
        self._prompts = [row.tolist() for row in rows]
        self._tokenizer = tokenizer
        self._path = path

    def __call__(self, done: int, model: Transformer) -> None:
        """Continue each prompt and write one row; a repeated look replaces itself."""
        room = model.config.context_length - PROMPT_TOKENS
        completions = generate(
            model,
            self._prompts,
            max_new_tokens=min(NEW_TOKENS, room),
            stop_ids=(self._tokenizer.endoftext_id,),
        )
        values: dict[str, float | int | str] = {}
        for i, completion in enumerate(completions):
            values[f"samples/{i}_prompt"] = self._decode(self._prompts[i])
            values[f"samples/{i}_text"] = self._decode(completion.ids)
        with MetricsWriter(self._path, "train") as samples:
            samples.drop_after(done - 1)
            samples.write(done, values)

    def _decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(list(ids))


def spread_rows(
    store: TokenStore, length: int, n_rows: int
) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Rows (n, length) of int64 from evenly spread places of a store.

    Fewer rows where the store is small; none where it is shorter than a row.
    """
    last = len(store) - length
    if last < 0:
        return np.zeros((0, length), np.int64)
    n_rows = min(n_rows, last // length + 1)
    starts = np.linspace(0, last, n_rows).astype(np.int64).tolist()
    return np.stack([store[at : at + length].astype(np.int64) for at in starts])


def build_hooks(
    data_directory: Path,
    tokenizer: Tokenizer,
    context_length: int,
    metrics: MetricsWriter,
    samples_path: Path,
) -> list[Hook]:
    """The hooks of pretraining; fewer where there is too little held-out text."""
    store = TokenStore.open(data_directory, "heldout")
    hooks: list[Hook] = []
    if len(store) > context_length:
        hooks.append(HeldoutHook(store, tokenizer, context_length, metrics))
    if len(store) >= PROMPT_TOKENS and context_length > PROMPT_TOKENS:
        hooks.append(SampleHook(store, tokenizer, samples_path))
    return hooks
