"""Sequences of different lengths that are read and continued together.

Prompts are padded on the right and read in one pass: attention looks back only, so the
padding after a prompt cannot reach it. New tokens then append to the cache behind the
padding. Attention never sees the padding's columns, and every token's position counts
only its own sequence's tokens, also where a window counts how far back it looks: what a
prompt gets does not depend on its companions.

    columns   0 1 2 3 4   5 6          . is padding
    row 0     a b c . .   d e          positions of d, e: 3, 4
    row 1     k l m n o   p q          positions of p, q: 5, 6

Axes: B sequences, T tokens, S cached columns, C channels, V vocabulary.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scratchlm.generate.cache import KVCache
from scratchlm.generate.request import Request
from scratchlm.model.transformer import Transformer


class Batch:
    """Sequences of different lengths that share a cache."""

    def __init__(self, model: Transformer, requests: list[Request]) -> None:
        self.model = model
        self.device = model.embed_tokens.weight.device
        lengths = [len(request.prompt) for request in requests]
        longest = max(lengths)
        self.positions = torch.tensor(lengths, device=self.device)  # of the next token
        n_columns = longest + max(request.n_allowed for request in requests)
        self.cache = KVCache(
            model.config, len(requests), n_columns, model.compute_dtype, self.device
        )
        columns = torch.arange(n_columns, device=self.device)
        own = columns < self.positions.unsqueeze(1)
        self.visible = own | (columns >= longest)  # (B, S)
        self.padded = min(lengths) < longest
        # what stands in a column: behind the padding each row goes on counting
        behind = self.positions.unsqueeze(1) + columns - longest
        self.places = torch.where(columns < longest, columns, behind)  # (B, S)

    def read(self, prompts: list[Sequence[int]]) -> Float[Tensor, "B V"]:
        """Read the prompts; returns the logits after each one's last token."""
        longest = max(len(prompt) for prompt in prompts)
        rows = [[*prompt, *[0] * (longest - len(prompt))] for prompt in prompts]
        tokens = torch.tensor(rows, device=self.device)  # (B, T)
        hidden = self.model.hidden(tokens, cache=self.cache)  # (B, T, C)
        last = hidden[torch.arange(len(rows), device=self.device), self.positions - 1]
        return self.model.logits(last)

    def step(self, tokens: Int64[Tensor, " B"]) -> Float[Tensor, "B V"]:
        """Read one more token of each sequence; returns the logits after it."""
        n_columns = self.cache.length + 1
        hidden = self.model.hidden(
            tokens.unsqueeze(1),
            cache=self.cache,
            positions=self.positions.unsqueeze(1),
            key_positions=self.places[:, :n_columns],
            mask=self.visible[:, None, None, :n_columns] if self.padded else None,
        )
        self.positions = self.positions + 1
        return self.model.logits(hidden[:, -1])

    def keep(self, rows: list[int]) -> None:
        """Drop the other sequences."""
        index = torch.tensor(rows, device=self.device)
        self.cache.keep(index)
        self.positions, self.visible = self.positions[index], self.visible[index]
        self.places = self.places[index]
