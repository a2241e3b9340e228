"""The DPO loss: raise chosen answers over rejected ones, held to a reference.

    Δ = (logp_policy(chosen) − logp_reference(chosen))
      − (logp_policy(rejected) − logp_reference(rejected))
    loss = −(1 − ε)·log σ(β·Δ) − ε·log σ(−β·Δ)

Rafailov et al. 2023, "Direct Preference Optimization", equation 7 (ε = 0); ε is
the share of pairs believed to be labelled the wrong way round (conservative
DPO).  β is the strength of the leash to the reference.  The log-probabilities
are sums over the answer's tokens for DPO, or means for its length-normalised
form (Lambert et al. 2024, "Tülu 3"), where β is larger by about the length of
an answer.  A policy equal to its reference has Δ = 0 and a loss of ln 2.

Axes: P pairs.
"""

from torch import Tensor
from torch.nn.functional import logsigmoid


def preference_margin(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
) -> Tensor:
    """Δ (P,), in nats: how far the policy prefers the chosen answer more than
    the reference does.

    Args:
        policy_chosen, policy_rejected: (P,) log-probabilities of the answers
            under the model that is trained.
        reference_chosen, reference_rejected: (P,) the same under the reference.
    """
    return (policy_chosen - reference_chosen) - (policy_rejected - reference_rejected)


def dpo_loss(
    policy_chosen: Tensor,
    policy_rejected: Tensor,
    reference_chosen: Tensor,
    reference_rejected: Tensor,
    beta: float,
    *,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Loss of each pair (P,), in nats; its mean over pairs is what one trains on.

    Args:
        policy_chosen, policy_rejected, reference_chosen, reference_rejected:
            (P,) log-probabilities, as `preference_margin` takes them.
        beta: strength of the leash to the reference, > 0.
        label_smoothing: ε in [0, 0.5).

    >>> import torch
    >>> chosen, rejected = torch.tensor([-12.0]), torch.tensor([-15.0])
    >>> loss = dpo_loss(chosen, rejected, chosen - 0.5, rejected + 1.0, beta=0.1)
    >>> round(float(loss), 6)
    0.620957
    """
    scaled = beta * preference_margin(
        policy_chosen, policy_rejected, reference_chosen, reference_rejected
    )
    loss = -(1.0 - label_smoothing) * logsigmoid(scaled)
    if label_smoothing:
        loss = loss - label_smoothing * logsigmoid(-scaled)
    return loss
