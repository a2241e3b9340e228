"""What a training run does: how long, how large its batches, which optimizer.

Imports no torch.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from scratchlm.base.config import Config


class TrainConfig(Config):
    """Everything that the loop needs to know; the same for every objective."""

    total_steps: int = Field(ge=1)
    """Optimizer steps; the run ends by them, never by a clock."""
    batch_size: int = Field(ge=1)
    """Rows (sequences or pairs) of one optimizer step."""
    micro_batch_size: int = Field(ge=1)
    """Rows of one forward and backward pass; the rest is accumulated."""
    context_length: int = Field(ge=1)
    """Tokens of one row."""
    optimizer: Literal["muon", "adamw"] = "muon"
    """Muon for the blocks' matrices with AdamW for the rest, or AdamW for all."""
    matrix_lr: float = Field(default=0.02, ge=0)
    """Peak learning rate of the blocks' matrices."""
    embed_lr: float = Field(default=6e-3, ge=0)
    """Peak learning rate of the embeddings (AdamW)."""
    head_lr: float = Field(default=3e-3, ge=0)
    """Peak learning rate of an untied head (AdamW)."""
    vector_lr: float = Field(default=6e-3, ge=0)
    """Peak learning rate of gains and biases (AdamW)."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Decoupled decay of matrices, as a multiple of the learning rate."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """AdamW's average of gradients."""
    beta2: float = Field(default=0.95, ge=0, lt=1)
    """AdamW's average of squared gradients."""
    epsilon: float = Field(default=1e-10, gt=0)
    """AdamW's floor under the root of the second moment."""
    momentum: float = Field(default=0.95, ge=0, lt=1)
    """Muon's momentum (Nesterov)."""
    newton_schulz_steps: int = Field(default=5, ge=1)
    """Muon's iterations towards the nearest orthogonal matrix."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the learning rate rises linearly from 0."""
    decay_steps: int = Field(default=0, ge=0)
    """Last steps, over which it falls linearly."""
    final_lr_frac: float = Field(default=0.0, ge=0, le=1)
    """What is left of the learning rate at the end of the decay."""
    max_grad_norm: float | None = Field(default=1.0, gt=0)
    """Gradients are scaled down to this global norm; None clips nothing."""
    checkpoint_every_steps: int | None = Field(default=None, ge=1)
    """Steps between checkpoints; None writes none."""
    hook_every_steps: int | None = Field(default=None, ge=1)
    """Steps between calls of the hooks (validation, samples); also at the end."""
    seed: int = 0
    """Order of the data, and the initial weights where they are drawn."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.batch_size % self.micro_batch_size:
            raise ValueError(
                f"batch_size = {self.batch_size} is not a multiple of "
                f"micro_batch_size = {self.micro_batch_size}"
            )
        if self.warmup_steps + self.decay_steps > self.total_steps:
            raise ValueError(
                f"warmup_steps = {self.warmup_steps} and decay_steps = "
                f"{self.decay_steps} exceed total_steps = {self.total_steps}"
            )
        return self

    @property
    def tokens_per_step(self) -> int:
        """Tokens of one optimizer step."""
        return self.batch_size * self.context_length

    @property
    def total_tokens(self) -> int:
        """Tokens of the whole run."""
        return self.total_steps * self.tokens_per_step
