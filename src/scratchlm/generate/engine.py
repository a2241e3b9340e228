"""Generating tokens: many prompts in batches, or one prompt as a stream.

Prompts of different lengths share a batch. They are padded on the right and read in
one pass (attention looks back only, so the padding after a prompt cannot reach it);
new tokens then append to the cache behind the padding. Attention never sees the
padding's columns, and every token's position counts only its own sequence's tokens:
what a prompt gets does not depend on its companions.

Chance too belongs to a request: its numbers come from its own seed.

Axes: B sequences, T tokens, S cached tokens, C channels, V vocabulary.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scratchlm.base.errors import UserError
from scratchlm.generate.cache import KVCache
from scratchlm.generate.config import Sampling
from scratchlm.generate.sampling import choose, forbid
from scratchlm.model.transformer import Transformer

_DROP_AT = 0.75  # finished rows leave the batch when so few are still running


@dataclass(frozen=True)
class Completion:
    """What was generated for one prompt."""

    ids: list[int]
    """The new tokens, without the stop token."""
    reason: Literal["stop", "length", "context"]
    """What ended it: a stop token, `max_new_tokens`, or the end of the context."""

    @property
    def stopped(self) -> bool:
        """Whether the model ended it by itself."""
        return self.reason == "stop"


def generate(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    stop_ids: Iterable[int] = (),
    sampling: Sampling | None = None,
    forbidden_ids: Sequence[int] = (),
    *,
    batch_size: int = 64,
) -> list[Completion]:
    """Continue each prompt; the completions are in the prompts' order.

    Args:
        model: in evaluation mode.
        prompts: token ids, none empty, none longer than the context.
        max_new_tokens: at most so many new tokens each; the end of the model's
            context may come first.
        stop_ids: tokens that end a completion.
        sampling: greedy where None; prompt i draws its chance from seed + i.
        forbidden_ids: tokens that are never chosen.
        batch_size: prompts that are worked on together; the result does not change.

    Raises:
        UserError: a prompt is empty or longer than the context.
    """
    for prompt in prompts:
        _check_prompt(model, prompt)
    sampling = sampling or Sampling()
    order = sorted(range(len(prompts)), key=lambda i: (len(prompts[i]), i))
    results: dict[int, Completion] = {}
    for first in range(0, len(order), batch_size):
        requests = [
            _Request(
                prompts[i],
                _count_allowed(model, prompts[i], max_new_tokens),
                _draw_chance(sampling, i, max_new_tokens),
            )
            for i in order[first : first + batch_size]
        ]
        _complete(model, requests, frozenset(stop_ids), sampling, forbidden_ids)
        for i, request in zip(order[first:], requests, strict=False):
            results[i] = request.completion(max_new_tokens)
    return [results[i] for i in range(len(prompts))]


def stream(
    model: Transformer,
    prompt: Sequence[int],
    max_new_tokens: int,
    stop_ids: Iterable[int] = (),
    sampling: Sampling | None = None,
    forbidden_ids: Sequence[int] = (),
) -> Iterator[int]:
    """Continue one prompt, token by token, until a stop token (not yielded).

    The same tokens as `generate` gives this prompt alone.

    Raises:
        UserError: the prompt is empty or longer than the context.
    """
    _check_prompt(model, prompt)
    sampling = sampling or Sampling()
    n_allowed = _count_allowed(model, prompt, max_new_tokens)
    request = _Request(prompt, n_allowed, _draw_chance(sampling, 0, max_new_tokens))
    return _stream(model, request, frozenset(stop_ids), sampling, forbidden_ids)


class _Request:
    """One prompt, what it may still get, and what it has got."""

    def __init__(
        self, prompt: Sequence[int], n_allowed: int, chance: Tensor | None
    ) -> None:
        self.prompt, self.n_allowed, self.chance = prompt, n_allowed, chance
        self.ids: list[int] = []
        self.stopped = False

    @property
    def running(self) -> bool:
        return not self.stopped and len(self.ids) < self.n_allowed

    def take(self, id: int, stop_ids: frozenset[int]) -> None:
        if not self.running:
            return
        if id in stop_ids:
            self.stopped = True
        else:
            self.ids.append(id)

    def completion(self, max_new_tokens: int) -> Completion:
        if self.stopped:
            return Completion(self.ids, "stop")
        full = len(self.ids) == max_new_tokens
        return Completion(self.ids, "length" if full else "context")


class _Batch:
    """Sequences of different lengths that share a cache."""

    def __init__(self, model: Transformer, requests: list[_Request]) -> None:
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
            mask=self.visible[:, None, None, :n_columns] if self.padded else None,
        )
        self.positions = self.positions + 1
        return self.model.logits(hidden[:, -1])

    def keep(self, rows: list[int]) -> None:
        """Drop the other sequences."""
        index = torch.tensor(rows, device=self.device)
        self.cache.keep(index)
        self.positions, self.visible = self.positions[index], self.visible[index]


@torch.inference_mode()
def _complete(
    model: Transformer,
    requests: list[_Request],
    stop_ids: frozenset[int],
    sampling: Sampling,
    forbidden_ids: Sequence[int],
) -> None:
    rows = [request for request in requests if request.running]
    if not rows:
        return
    batch = _Batch(model, rows)
    logits = batch.read([request.prompt for request in rows])
    for step in range(max(request.n_allowed for request in rows)):
        chosen = _choose(logits, rows, step, sampling, forbidden_ids)
        for request, id in zip(rows, chosen.tolist(), strict=True):
            request.take(id, stop_ids)
        running = [i for i, request in enumerate(rows) if request.running]
        if not running:
            return
        if len(running) <= _DROP_AT * len(rows):
            rows = [rows[i] for i in running]
            chosen = chosen[running]
            batch.keep(running)
        logits = batch.step(chosen)


def _stream(
    model: Transformer,
    request: _Request,
    stop_ids: frozenset[int],
    sampling: Sampling,
    forbidden_ids: Sequence[int],
) -> Iterator[int]:
    batch, logits = None, None
    while request.running:
        with torch.inference_mode():  # never open while the reader has the token
            if batch is None or logits is None:
                batch = _Batch(model, [request])
                logits = batch.read([request.prompt])
            else:
                logits = batch.step(chosen)
            chosen = _choose(
                logits, [request], len(request.ids), sampling, forbidden_ids
            )
        request.take(int(chosen), stop_ids)
        if not request.stopped:
            yield request.ids[-1]


def _choose(
    logits: Float[Tensor, "B V"],
    rows: list[_Request],
    step: int,
    sampling: Sampling,
    forbidden_ids: Sequence[int],
) -> Int64[Tensor, " B"]:
    chance = [request.chance[step] for request in rows if request.chance is not None]
    uniform = torch.stack(chance).to(logits.device) if chance else None
    return choose(forbid(logits, forbidden_ids), sampling, uniform)


def _draw_chance(sampling: Sampling, i: int, n: int) -> Tensor | None:
    if sampling.greedy:
        return None
    generator = torch.Generator().manual_seed(sampling.seed + i)
    return torch.rand(n, generator=generator)


def _count_allowed(
    model: Transformer, prompt: Sequence[int], max_new_tokens: int
) -> int:
    """Count the tokens a prompt may get; the last one needs no room to be read."""
    return min(max_new_tokens, model.config.context_length - len(prompt) + 1)


def _check_prompt(model: Transformer, prompt: Sequence[int]) -> None:
    context_length = model.config.context_length
    if not prompt:
        raise UserError("a prompt has no tokens; give at least one")
    if len(prompt) > context_length:
        raise UserError(
            f"a prompt has {len(prompt)} tokens, but the model's context holds "
            f"{context_length}; shorten the prompt"
        )
