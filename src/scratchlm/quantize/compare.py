"""Two models on the same tokens: how much of one is left in the other.

The Kullback-Leibler divergence and the agreement of the most probable token answer
that with far less noise than two losses do, because both models see the same tokens.

Axes: N sequences, T tokens, V vocabulary.
"""

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from scratchlm.model.transformer import Transformer


@dataclass(frozen=True)
class Comparison:
    """A model held against a reference on the same tokens."""

    n_tokens: int
    """Predicted tokens."""
    reference_loss_nats: float
    """Mean cross-entropy of the reference."""
    loss_nats: float
    """Mean cross-entropy of the model."""
    kl_nats: float
    """Mean divergence of the model's distribution from the reference's."""
    top1_agreement_frac: float
    """Share of tokens where both find the same token most probable."""

    def rounded(self) -> dict[str, float | int]:
        """The figures to six digits, for a receipt."""
        return {
            name: value if isinstance(value, int) else float(f"{value:.6g}")
            for name, value in asdict(self).items()
        }


@torch.inference_mode()
def compare_models(
    reference: Transformer, model: Transformer, tokens: Int[Tensor, "N T"]
) -> Comparison:
    """Run both models over each sequence; T is at least 2."""
    sums = torch.zeros(4, dtype=torch.float64)
    for row in tokens:
        targets = row[1:].unsqueeze(1)
        p, q = (_log_probabilities(each, row[:-1]) for each in (reference, model))
        kl = (p.exp() * (p - q)).sum()
        same = (p.argmax(1) == q.argmax(1)).sum()
        losses = (-each.gather(1, targets).sum() for each in (p, q))
        sums += torch.stack([*losses, kl, same]).double().cpu()
    n_tokens = tokens.shape[0] * (tokens.shape[1] - 1)
    return Comparison(n_tokens, *(sums / n_tokens).tolist())


def _log_probabilities(model: Transformer, row: Tensor) -> Tensor:
    logits = model.logits(model.hidden(row.unsqueeze(0)))[0]  # (T, V)
    return logits.float().log_softmax(1)
