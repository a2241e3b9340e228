"""Generating tokens: many prompts in batches, or one prompt as a stream.

A prompt gets the same tokens in company as alone: the batch keeps its sequences apart
(`batch`), and chance belongs to a request, whose numbers come from its own seed.

Axes: B sequences, V vocabulary.
"""

from collections.abc import Iterable, Iterator, Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scratchlm.generate.batch import Batch
from scratchlm.generate.config import Sampling
from scratchlm.generate.request import Completion, Request, build_request
from scratchlm.generate.sampling import choose, forbid
from scratchlm.model.transformer import Transformer

_DROP_AT = 0.75  # finished rows leave the batch when so few are still running


def generate(
    model: Transformer,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    stop_ids: Iterable[int] = (),
    sampling: Sampling | None = None,
    forbidden_ids: Sequence[int] = (),
    *,
    batch_size: int = 128,
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
        UserError: a prompt is empty or longer than the context, or a negative length.
    """
    sampling = sampling or Sampling()
    requests = [
        build_request(model.config, prompt, max_new_tokens, sampling, i)
        for i, prompt in enumerate(prompts)
    ]
    ordered = sorted(requests, key=lambda request: len(request.prompt))  # stable
    for first in range(0, len(ordered), batch_size):
        batch = ordered[first : first + batch_size]
        _complete(model, batch, frozenset(stop_ids), sampling, forbidden_ids)
    return [request.completion() for request in requests]


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
    sampling = sampling or Sampling()
    request = build_request(model.config, prompt, max_new_tokens, sampling)
    return _stream(model, request, frozenset(stop_ids), sampling, forbidden_ids)


@torch.inference_mode()
def _complete(
    model: Transformer,
    requests: list[Request],
    stop_ids: frozenset[int],
    sampling: Sampling,
    forbidden_ids: Sequence[int],
) -> None:
    rows = [request for request in requests if request.running]
    if not rows:
        return
    batch = Batch(model, rows)
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
    request: Request,
    stop_ids: frozenset[int],
    sampling: Sampling,
    forbidden_ids: Sequence[int],
) -> Iterator[int]:
    batch, logits = None, None
    while request.running:
        with torch.inference_mode():  # never open while the reader has the token
            if batch is None or logits is None:
                batch = Batch(model, [request])
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
    rows: list[Request],
    step: int,
    sampling: Sampling,
    forbidden_ids: Sequence[int],
) -> Int64[Tensor, " B"]:
    chance = [request.chance[step] for request in rows if request.chance is not None]
    uniform = torch.stack(chance).to(logits.device) if chance else None
    return choose(forbid(logits, forbidden_ids), sampling, uniform)
