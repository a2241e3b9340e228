"""Log-probabilities of whole answers, given what was asked.

    logp(answer | prompt) = Σ_t log p(answer_t | prompt, answer_<t)

over the answer's tokens and the end of turn that closes it: an answer that should
have gone on is less likely for its early end.  Only the positions that predict an
answer's tokens are projected onto the vocabulary.

Axes: N answers, B rows of a batch, T tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

if TYPE_CHECKING:
    from scratchlm.model.transformer import Transformer

LENGTH_MULTIPLE = 16  # few shapes: kernels and compiled graphs are chosen per shape


@dataclass(frozen=True)
class Answer:
    """A rendered prompt with its answer."""

    ids: tuple[int, ...]
    """All tokens: the prompt, the answer, the end of turn."""
    start: int
    """Where the answer begins, ≥ 1."""

    @property
    def n_tokens(self) -> int:
        """Tokens of the answer, its end of turn included."""
        return len(self.ids) - self.start


def batch_log_probs(
    model: "Transformer", tokens: Tensor, targets: Tensor, loss_mask: Tensor
) -> Tensor:
    """Summed log-probabilities (B,) of the counted targets, float32, differentiable.

    Args:
        model: the model.
        tokens, targets, loss_mask: (B, T).
    """
    hidden = model.hidden(tokens)  # (B, T, C)
    picked = model.logits(hidden[loss_mask][None])[0].float()  # (counted, V)
    logp = -cross_entropy(picked, targets[loss_mask], reduction="none")
    rows = torch.arange(len(tokens), device=tokens.device)[:, None]
    rows = rows.expand_as(loss_mask)[loss_mask]
    return logp.new_zeros(len(tokens)).index_add(0, rows, logp)


@torch.no_grad()
def answer_log_probs(
    model: "Transformer",
    answers: Sequence[Answer],
    pad_id: int,
    tokens_per_batch: int = 8192,
) -> NDArray[np.float32]:
    """Summed log-probabilities (N,) of answers, in nats, in the order given.

    Answers of like length share a batch; which ones do depends on the answers
    alone, so that the result repeats to the last bit.
    """
    result = np.zeros(len(answers), np.float32)
    device = next(model.parameters()).device
    context = model.config.context_length
    for chosen in length_batches([len(a.ids) for a in answers], tokens_per_batch):
        arrays = stack_answers([answers[i] for i in chosen], pad_id, context)
        tokens, targets, mask = (torch.from_numpy(a).to(device) for a in arrays)
        result[chosen] = batch_log_probs(model, tokens, targets, mask).cpu().numpy()
    return result


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


def stack_answers(
    answers: Sequence[Answer], pad_id: int, context_length: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Tokens, targets and loss mask (N, T) of answers, padded on the right.

    No answer sees the padding: attention only looks back.
    """
    width = max(padded_length(len(a.ids)) for a in answers)
    width = min(width, context_length)
    rows = np.full((len(answers), width + 1), pad_id, np.int64)
    mask = np.zeros((len(answers), width + 1), np.bool_)
    for row, answer in enumerate(answers):
        rows[row, : len(answer.ids)] = answer.ids
        mask[row, answer.start : len(answer.ids)] = True
    return rows[:, :-1], rows[:, 1:], mask[:, 1:]


def padded_length(n_tokens: int) -> int:
    """Width of a row for `n_tokens` tokens, of which the last is only a target."""
    return -(-max(n_tokens - 1, 1) // LENGTH_MULTIPLE) * LENGTH_MULTIPLE
