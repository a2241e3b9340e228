"""One prompt on its way: what it may still get, what it has got, how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from scratchlm.base.errors import UserError
from scratchlm.generate.config import Sampling
from scratchlm.model.config import ModelConfig


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


@dataclass
class Request:
    """A prompt and its new tokens."""

    prompt: Sequence[int]
    """At least one id, and not more than the context holds."""
    max_new_tokens: int
    """Most tokens that were asked for."""
    n_allowed: int
    """Most tokens that the context leaves room for, of those."""
    chance: Tensor | None
    """One number in [0, 1) for each new token; None where sampling is greedy."""
    ids: list[int] = field(default_factory=list)
    """The new tokens so far."""
    stopped: bool = False
    """Whether a stop token came."""

    @property
    def running(self) -> bool:
        """Whether it may get another token."""
        return not self.stopped and len(self.ids) < self.n_allowed

    def take(self, id: int, stop_ids: frozenset[int]) -> None:
        """Take the next token; nothing happens where it is finished."""
        if not self.running:
            return
        if id in stop_ids:
            self.stopped = True
        else:
            self.ids.append(id)

    def completion(self) -> Completion:
        """Say what came, and what ended it."""
        if self.stopped:
            return Completion(self.ids, "stop")
        full = len(self.ids) == self.max_new_tokens
        return Completion(self.ids, "length" if full else "context")


def build_request(
    config: ModelConfig,
    prompt: Sequence[int],
    max_new_tokens: int,
    sampling: Sampling,
    index: int = 0,
) -> Request:
    """Check a prompt and draw its chance, from the seed of its place in the batch.

    Raises:
        UserError: the prompt is empty or longer than the context, or the length is
            negative.
    """
    if max_new_tokens < 0:
        raise UserError(f"max_new_tokens is {max_new_tokens}; give 0 or more")
    if not prompt:
        raise UserError("a prompt has no tokens; give at least one")
    if len(prompt) > config.context_length:
        raise UserError(
            f"a prompt has {len(prompt)} tokens, but the model's context holds "
            f"{config.context_length}; shorten the prompt"
        )
    chance = None
    if not sampling.greedy:
        generator = torch.Generator().manual_seed(sampling.seed + index)
        chance = torch.rand(max_new_tokens, generator=generator)
    # the last new token needs no room: it is never read
    room = config.context_length - len(prompt) + 1
    return Request(prompt, max_new_tokens, min(max_new_tokens, room), chance)
