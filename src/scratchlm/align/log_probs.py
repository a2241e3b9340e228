"""Log-probabilities of the two answers of a pair, given what was asked.

    logp(answer | prompt) = Σ_t log p(answer_t | prompt, answer_<t)

over the answer's tokens and the end of turn that closes it: an answer that should
have gone on is less likely for its early end.  A pair is one row in which the prompt
stands once, a third less work than two rows:

    tokens     p0 p1 … │ p_last c0 c1 … │ p_last r0 r1 … │ padding
    targets            │ c0 c1 …    end │ r0 r1 …    end │
    segments   PROMPT  │ CHOSEN         │ REJECTED       │ PADDING
    positions  0  1  … │ n n+1 …        │ n n+1 …        │ 0

Tokens see what stands before them in the prompt and in their own segment.

Axes: P pairs of a batch, T tokens, N pairs in all.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from scratchlm.align.pairs import Pair
from scratchlm.model.transformer import Transformer

PROMPT, CHOSEN, REJECTED, PADDING = 0, 1, 2, 3
LENGTH_MULTIPLE = 16  # few shapes: kernels and compiled graphs are chosen per shape


def pair_log_probs(model: Transformer, batch: Mapping[str, Tensor]) -> Tensor:
    """Summed log-probabilities (P, 2) of (chosen, rejected), in nats, differentiable.

    Only the positions that predict an answer are projected onto the vocabulary.

    Args:
        model: the model.
        batch: `tokens`, `targets`, `segments`, `positions` of `stack_pairs`.
    """
    segments = batch["segments"]
    hidden = model.hidden(
        batch["tokens"], mask=_visible(segments), positions=batch["positions"]
    )
    counted = _is_answer(segments)
    picked = model.logits(hidden[counted][None])[0].float()  # (counted, V)
    logp = -cross_entropy(picked, batch["targets"][counted], reduction="none")
    rows = torch.arange(len(segments), device=segments.device)[:, None]
    answers = (2 * rows + segments - CHOSEN)[counted]
    return logp.new_zeros(2 * len(segments)).index_add(0, answers, logp).view(-1, 2)


def count_answer_tokens(batch: Mapping[str, Tensor]) -> Tensor:
    """Tokens (P, 2) of (chosen, rejected), the ends of turn included."""
    segments = batch["segments"]
    return torch.stack([(segments == s).sum(1) for s in (CHOSEN, REJECTED)], 1)


@torch.no_grad()
def score_pairs(
    model: Transformer,
    pairs: Sequence[Pair],
    pad_id: int,
    tokens_per_batch: int = 8192,
) -> NDArray[np.float32]:
    """Summed log-probabilities (N, 2) of (chosen, rejected), in the order given.

    Pairs of like length share a batch; which ones do depends on the pairs alone, so
    that the result repeats to the last bit.
    """
    result = np.zeros((len(pairs), 2), np.float32)
    device = next(model.parameters()).device
    for chosen in length_batches([p.n_tokens for p in pairs], tokens_per_batch):
        arrays = stack_pairs([pairs[i] for i in chosen], pad_id)
        batch = {k: torch.from_numpy(v).to(device) for k, v in arrays.items()}
        result[chosen] = pair_log_probs(model, batch).float().cpu().numpy()
    return result


def stack_pairs(pairs: Sequence[Pair], pad_id: int) -> dict[str, NDArray[Any]]:
    """Rows of pairs: four arrays (P, T) int64, as the module's picture shows them."""
    width = padded_length(max(pair.n_tokens for pair in pairs))
    rows = {
        name: np.full((len(pairs), width), fill, np.int64)
        for name, fill in (
            ("tokens", pad_id),
            ("targets", pad_id),
            ("segments", PADDING),
            ("positions", 0),
        )
    }
    for row, pair in enumerate(pairs):
        *start, opening = pair.prompt
        _fill(rows, row, 0, PROMPT, start, start, 0)
        at = len(start)
        for segment, answer in ((CHOSEN, pair.chosen), (REJECTED, pair.rejected)):
            seen = [opening, *answer[:-1]]
            _fill(rows, row, at, segment, seen, answer, len(start))
            at += len(answer)
    return rows


def length_batches(
    lengths: Sequence[int], tokens_per_batch: int
) -> Iterator[list[int]]:
    """Group indices by length: each group, padded, has at most so many tokens.

    >>> list(length_batches([3, 40, 5], tokens_per_batch=64))
    [[0, 2], [1]]
    """
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        width = padded_length(lengths[index])
        if group and width * (len(group) + 1) > tokens_per_batch:
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def padded_length(n_tokens: int) -> int:
    """The next multiple of 16."""
    return -(-n_tokens // LENGTH_MULTIPLE) * LENGTH_MULTIPLE


def _fill(
    rows: dict[str, NDArray[Any]],
    row: int,
    at: int,
    segment: int,
    tokens: Sequence[int],
    targets: Sequence[int],
    position: int,
) -> None:
    place = (row, slice(at, at + len(tokens)))
    rows["tokens"][place] = tokens
    rows["targets"][place] = targets
    rows["segments"][place] = segment
    rows["positions"][place] = np.arange(position, position + len(tokens))


def _visible(segments: Tensor) -> Tensor:
    """(P, 1, T, T): True where the second token may be looked at by the first."""
    looked_at, looking = segments[:, None, :], segments[:, :, None]
    n_tokens = segments.shape[1]
    before = torch.ones(n_tokens, n_tokens, dtype=torch.bool, device=segments.device)
    shared = (looked_at == PROMPT) | (looked_at == looking)
    return (before.tril() & shared)[:, None]


def _is_answer(segments: Tensor) -> Tensor:
    return (segments == CHOSEN) | (segments == REJECTED)
