"""Preference as an objective of the loop: DPO, with the chosen answers' likelihood.

    loss = mean over pairs of dpo_loss − sft_weight · logp(chosen) / tokens(chosen)

DPO alone is content when the rejected answer falls faster than the chosen one; the
second term keeps the chosen one up (Pang et al. 2024, "Iterative reasoning preference
optimization"), so that what the model says does not decay while it learns what not
to say.

Axes: P pairs, 2 = (chosen, rejected), T tokens.
"""

import torch
from torch import Tensor

from scratchlm.align.config import AlignConfig
from scratchlm.align.dpo import dpo_loss, preference_margin
from scratchlm.align.log_probs import count_answer_tokens, pair_log_probs
from scratchlm.model.transformer import Transformer
from scratchlm.train.objective import Batch


class Preference:
    """The objective of `align`: a mean over the pairs of the window.

    Batches: those of `PairBatches`.
    """

    def __init__(self, config: AlignConfig) -> None:
        self.config = config

    def __call__(
        self, model: Transformer, batch: Batch, window: Batch
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The part's share of the window's mean loss, and what to watch."""
        config = self.config
        policy = pair_log_probs(model, batch).t()  # (2, P)
        n_tokens = count_answer_tokens(batch).t()
        reference = batch["reference"].t()
        unit = n_tokens if config.length_normalised else torch.ones_like(n_tokens)
        (pc, pr), (rc, rr) = policy / unit, reference / unit
        losses = dpo_loss(
            pc, pr, rc, rr, config.beta, label_smoothing=config.label_smoothing
        )
        chosen, rejected = policy / n_tokens  # per token, (P,) each
        loss = losses - config.sft_weight * chosen if config.sft_weight else losses
        watched = {
            "align/dpo_loss": losses,
            "align/accuracy_frac": (chosen > rejected).float(),
            "align/margin_nats": preference_margin(pc, pr, rc, rr),
            "align/chosen_logp_nats": chosen,
            "align/rejected_logp_nats": rejected,
        }
        n_pairs = len(window["tokens"])
        metrics = {k: v.detach().sum() / n_pairs for k, v in watched.items()}
        return loss.sum() / n_pairs, metrics
