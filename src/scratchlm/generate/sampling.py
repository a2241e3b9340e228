"""Choosing the next token: temperature, top-k, top-p, greedy.

The logits become a distribution in this order: forbidden ids leave, the rest is
divided by the temperature, the k best stay, and of those the smallest set whose
probability reaches p (Holtzman et al. 2019, arXiv:1904.09751).

One uniform number u in [0, 1) then names the token: the first one at which the
running sum of the probabilities passes u.

Worked example, probabilities 0.5, 0.3, 0.2: u = 0.4 names the first token, u = 0.6
the second; top-p 0.8 leaves 0.625, 0.375.

Axes: B sequences, V vocabulary, k tokens that are kept.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scratchlm.generate.config import Sampling

_FIRST_LOOK = 256  # tokens; nearly always enough for top-p
_ROUNDING = 1e-6  # what a running sum of float32 may be off


def forbid(logits: Float[Tensor, "B V"], ids: Sequence[int]) -> Float[Tensor, "B V"]:
    """Make some ids impossible."""
    if not ids:
        return logits
    columns = torch.tensor(list(ids), device=logits.device)
    return logits.index_fill(1, columns, float("-inf"))


def kept_probabilities(
    logits: Float[Tensor, "B V"], sampling: Sampling
) -> tuple[Float[Tensor, "B k"], Int64[Tensor, "B k"]]:
    """Find the distribution that is sampled from.

    Returns:
        probabilities, which sum to one in each row, and the ids they belong to: the
        most probable first where top-k or top-p is asked for, else in id order.
    """
    assert sampling.temperature > 0
    full = (logits.float() / sampling.temperature).softmax(dim=1)
    if sampling.top_k is not None:
        kept, ids = full.topk(min(sampling.top_k, full.shape[1]), dim=1)
        kept = kept / kept.sum(dim=1, keepdim=True)
    elif sampling.top_p is not None:
        kept, ids = _best_until(full, sampling.top_p)
    else:
        return full, torch.arange(full.shape[1], device=full.device).expand_as(full)
    if sampling.top_p is not None:
        before = kept.cumsum(dim=1) - kept
        kept = kept.masked_fill(before >= sampling.top_p - _ROUNDING, 0.0)
        kept = kept / kept.sum(dim=1, keepdim=True)
    return kept, ids


def choose(
    logits: Float[Tensor, "B V"],
    sampling: Sampling,
    uniform: Float[Tensor, " B"] | None,
) -> Int64[Tensor, " B"]:
    """Choose one token a row.

    Args:
        logits: of the next token; forbidden ids hold minus infinity.
        sampling: how to choose.
        uniform: one number in [0, 1) a row; None only where sampling is greedy.
    """
    if sampling.greedy:
        return logits.argmax(dim=1)
    assert uniform is not None
    probabilities, ids = kept_probabilities(logits, sampling)
    running = probabilities.cumsum(dim=1)
    passed = uniform.unsqueeze(1).to(running) * running[:, -1:]
    place = torch.searchsorted(running, passed, right=True)
    total = running[:, -1:].contiguous()
    last = torch.searchsorted(running, total)  # where the sum is reached
    return ids.gather(1, torch.minimum(place, last)).squeeze(1)


def sample(
    logits: Float[Tensor, "B V"],
    sampling: Sampling,
    generator: torch.Generator | Sequence[torch.Generator] | None = None,
) -> Int64[Tensor, " B"]:
    """Choose one token a row, by chance from one generator or one a row.

    Chance is drawn on the generator's device (the CPU, usually) and then moved, so
    that a seed means the same on every machine.
    """
    if sampling.greedy:
        return choose(logits, sampling, None)
    if generator is None or isinstance(generator, torch.Generator):
        uniform = torch.rand(len(logits), generator=generator)
    else:
        uniform = torch.cat([torch.rand(1, generator=each) for each in generator])
    return choose(logits, sampling, uniform.to(logits.device))


def _best_until(
    probabilities: Float[Tensor, "B V"], top_p: float
) -> tuple[Float[Tensor, "B k"], Int64[Tensor, "B k"]]:
    """Sort only as many of the best as top-p can need."""
    n_all = probabilities.shape[1]
    best = probabilities.topk(min(_FIRST_LOOK, n_all), dim=1)
    if bool((best.values.sum(dim=1) < top_p).any()):
        best = probabilities.topk(n_all, dim=1)
    return best.values, best.indices
