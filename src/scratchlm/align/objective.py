"""Preference as an objective of the loop: DPO, with the chosen answers' likelihood.

    loss = mean over pairs of  dpo_loss(pair) − sft_weight · logp(chosen) / tokens(chosen)

DPO alone is content when the rejected answer falls faster than the chosen one; the
second term keeps the chosen one up (Pang et al. 2024, "Iterative reasoning preference
optimization", and Liu et al. 2024, RPO), so that what the model says does not decay
while it learns what not to say.

Axes: P pairs, 2 = (chosen, rejected), T tokens.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from scratchlm.align.config import AlignConfig
from scratchlm.align.dpo import dpo_loss, preference_margin
from scratchlm.align.log_probs import batch_log_probs
from scratchlm.model.transformer import Transformer


class Preference:
    """The objective of `align`; called by the loop on each micro-batch."""

    def __init__(self, config: AlignConfig) -> None:
        self.config = config

    def __call__(
        self, model: Transformer, batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean loss over the pairs of a `PairBatches` batch, and what to watch."""
        policy, reference, n_tokens = self._log_probs(model, batch)
        config = self.config
        losses = dpo_loss(
            *policy, *reference, config.beta, label_smoothing=config.label_smoothing
        )
        per_token = policy.detach() / (1 if config.length_normalised else n_tokens)
        metrics = {
            "dpo_loss": losses.detach().mean(),
            "accuracy_frac": (per_token[0] > per_token[1]).float().mean(),
            "margin_nats": preference_margin(*policy.detach(), *reference).mean(),
            "chosen_logp_nats": per_token[0].mean(),
            "rejected_logp_nats": per_token[1].mean(),
        }
        loss = losses.mean()
        if config.sft_weight:
            chosen = policy[0] / (1 if config.length_normalised else n_tokens[0])
            loss = loss - config.sft_weight * chosen.mean()
        return loss, metrics

    def _log_probs(
        self, model: Transformer, batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Of policy and reference, (2, P) each, and the answers' tokens (2, P)."""
        rows = [batch[name].flatten(0, 1) for name in ("tokens", "targets")]
        mask = batch["loss_mask"]
        sums = batch_log_probs(model, *rows, mask.flatten(0, 1))
        n_tokens = mask.sum(-1).t()
        divisor = n_tokens if self.config.length_normalised else torch.ones_like(n_tokens)
        policy = sums.view(-1, 2).t() / divisor
        return policy, batch["reference"].t() / divisor, n_tokens
