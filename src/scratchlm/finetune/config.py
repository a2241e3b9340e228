"""How long and how boldly a trained model is tuned. Imports no torch."""

import math
from typing import Literal

from pydantic import Field

from scratchlm.base.config import Config
from scratchlm.train.config import TrainConfig


class TuningConfig(Config):
    """What every stage after pretraining shares: rates, batches, length."""

    epochs: float = Field(default=3.0, gt=0)
    """Passes over the examples."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Fewer passes where they would read more tokens than this; None: no limit."""
    batch_size: int = Field(default=8, ge=1)
    """Rows of one optimizer step: packed rows, or pairs."""
    micro_batch_size: int | None = Field(default=None, ge=1)
    """Rows of one forward and backward pass; None: the whole batch."""
    context_length: int | None = Field(default=None, ge=2)
    """Longest row in tokens; None: the model's own context."""
    optimizer: Literal["muon", "adamw"] = "muon"
    """As in pretraining: Muon for the blocks' matrices, or AdamW for all."""
    matrix_lr: float = Field(default=0.01, ge=0)
    """Peak learning rate of the blocks' matrices."""
    embed_lr: float = Field(default=3e-3, ge=0)
    """Peak learning rate of the embeddings."""
    head_lr: float = Field(default=1.5e-3, ge=0)
    """Peak learning rate of an untied head."""
    vector_lr: float = Field(default=3e-3, ge=0)
    """Peak learning rate of gains and biases."""
    warmup_frac: float = Field(default=0.02, ge=0, le=1)
    """Share of the steps over which the learning rate rises."""
    decay_frac: float = Field(default=0.98, ge=0, le=1)
    """Share of the steps, at the end, over which it falls to zero."""
    max_grad_norm: float | None = Field(default=1.0, gt=0)
    """Gradients are scaled down to this global norm; None clips nothing."""
    checkpoint_every_steps: int | None = Field(default=50, ge=1)
    """Steps between checkpoints; None writes none."""
    hook_every_steps: int | None = Field(default=None, ge=1)
    """Steps between calls of the hooks (samples); also at the end."""
    seed: int = 0
    """Order of the examples."""

    def count_steps(self, n_rows: int, n_tokens: int) -> int:
        """Optimizer steps for `n_rows` rows an epoch, of `n_tokens` tokens in all."""
        epochs = self.epochs
        if self.max_tokens is not None:
            epochs = min(epochs, self.max_tokens / n_tokens)
        return max(1, math.ceil(epochs * n_rows / self.batch_size))

    def train_config(self, total_steps: int, context_length: int) -> TrainConfig:
        """What the loop is told."""
        warmup = min(round(self.warmup_frac * total_steps), total_steps)
        decay = min(round(self.decay_frac * total_steps), total_steps - warmup)
        return TrainConfig(
            total_steps=total_steps,
            batch_size=self.batch_size,
            micro_batch_size=self.micro_batch_size or self.batch_size,
            context_length=context_length,
            optimizer=self.optimizer,
            matrix_lr=self.matrix_lr,
            embed_lr=self.embed_lr,
            head_lr=self.head_lr,
            vector_lr=self.vector_lr,
            warmup_steps=warmup,
            decay_steps=decay,
            max_grad_norm=self.max_grad_norm,
            checkpoint_every_steps=self.checkpoint_every_steps,
            hook_every_steps=self.hook_every_steps,
            seed=self.seed,
        )


class FinetuneConfig(TuningConfig):
    """Supervised fine-tuning on conversations, as boldly as pretraining.

    Measured after a short pretraining (docs/log.md): half of these rates cost 0.03,
    a quarter 0.05 of the answers' F1.
    """

    matrix_lr: float = Field(default=0.02, ge=0)
    """Peak learning rate of the blocks' matrices."""
    embed_lr: float = Field(default=6e-3, ge=0)
    """Peak learning rate of the embeddings."""
    head_lr: float = Field(default=3e-3, ge=0)
    """Peak learning rate of an untied head."""
    vector_lr: float = Field(default=6e-3, ge=0)
    """Peak learning rate of gains and biases."""
