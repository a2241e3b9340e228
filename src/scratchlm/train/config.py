"""What a training run does: how long, how large its batches, which optimizer.

Imports no torch.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from scratchlm.base.config import Config
from scratchlm.train.batch_schedule import BatchSchedule
from scratchlm.train.checkpoint_policy import CheckpointPolicy
from scratchlm.train.guard_config import GuardConfig
from scratchlm.train.tracking_config import TrackingConfig


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
    batch_stages: tuple[tuple[int, int], ...] = ()
    """(steps, rows) that come before batch_size: [[100, 8], [100, 16]] is 100 steps of
    8 rows, 100 of 16, then batch_size."""
    packing: Literal["stream", "documents"] = "stream"
    """Rows cut from one stream of tokens, or packed from whole documents."""
    document_mask: bool = False
    """A token sees those of its own document only."""
    activation_checkpointing: bool = False
    """Keep each block's input alone and compute the rest again in the backward pass:
    a third more arithmetic, memory for one block."""
    optimizer: Literal["muon", "adamw", "soap"] = "muon"
    """Muon or SOAP for the blocks' matrices with AdamW for the rest, or AdamW for
    all."""
    matrix_lr: float = Field(default=0.02, ge=0)
    """Peak learning rate of the blocks' matrices."""
    embed_lr: float = Field(default=6e-3, ge=0)
    """Peak learning rate of the embeddings (AdamW)."""
    head_lr: float = Field(default=3e-3, ge=0)
    """Peak learning rate of an untied head (AdamW)."""
    vector_lr: float = Field(default=6e-3, ge=0)
    """Peak learning rate of gains and biases (AdamW)."""
    weight_decay: float = Field(default=0.0, ge=0)
    """Decoupled decay of the blocks' matrices and of an untied head, as a multiple of
    the learning rate; norms, biases, scalars and embeddings never decay."""
    cautious_decay: bool = False
    """Weights decay only where the update moves them towards zero too."""
    beta1: float = Field(default=0.9, ge=0, lt=1)
    """AdamW's average of gradients."""
    beta2: float = Field(default=0.95, ge=0, lt=1)
    """AdamW's average of squared gradients."""
    epsilon: float = Field(default=1e-10, gt=0)
    """AdamW's floor under the root of the second moment."""
    momentum: float = Field(default=0.95, ge=0, lt=1)
    """Muon's momentum (Nesterov)."""
    momentum_start: float | None = Field(default=None, ge=0, lt=1)
    """Muon's momentum at the first step; None is `momentum` throughout."""
    momentum_warmup_steps: int = Field(default=0, ge=0)
    """Steps over which Muon's momentum rises linearly from momentum_start."""
    newton_schulz_steps: int = Field(default=3, ge=1)
    """Muon's iterations towards the nearest orthogonal matrix; 3 to 5 are of use."""
    newton_schulz_dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of Muon's iterations; auto: bfloat16 on a GPU, float32 elsewhere."""
    muon_scale: Literal["shape", "rms"] = "shape"
    """Size of Muon's update: √max(1, rows/columns), or 0.2·√max(rows, columns), that of
    an AdamW step (then matrix_lr is an AdamW rate)."""
    muon_equilibrate: bool = False
    """Rows are brought to one length before the iterations."""
    muon_row_variance: bool = False
    """Rows of the update are divided by the root of their own second moment
    (NorMuon)."""
    muon_beta2: float = Field(default=0.95, ge=0, lt=1)
    """Average of NorMuon's second moments."""
    muon_split_heads: bool = False
    """Queries, keys, values and outputs are made orthogonal head by head."""
    soap_refresh_steps: int = Field(default=10, ge=1)
    """Steps between SOAP's new bases."""
    z_loss: float = Field(default=0.0, ge=0)
    """Weight of log²Σexp(logits) in the loss (PaLM: 1e-4)."""
    router_bias_rate: float = Field(default=1e-3, ge=0)
    """Step of the experts' balancing biases (DeepSeek-V3)."""
    schedule: Literal["wsd", "cosine", "linear"] = "wsd"
    """Learning rate after the warm-up: constant, then falling over decay_steps; a half
    cosine; or a straight line; the last two to the end of the run."""
    decay_shape: Literal["linear", "sqrt"] = "linear"
    """How wsd falls: linearly, or as 1 - √share, faster at first."""
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
    guard: GuardConfig = GuardConfig()
    """Spikes and values that are not finite."""
    checkpoints: CheckpointPolicy = CheckpointPolicy()
    """Which checkpoints stay, and how they are written."""
    tracking: TrackingConfig = TrackingConfig()
    """Who watches the run."""
    seed: int = 0
    """Order of the data, dropout, and the initial weights where they are drawn."""

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
        self._check_batch_stages()
        return self

    def _check_batch_stages(self) -> None:
        staged = sum(n_steps for n_steps, _ in self.batch_stages)
        if staged > self.total_steps:
            raise ValueError(
                f"batch_stages take {staged} steps, more than total_steps = "
                f"{self.total_steps}"
            )
        for n_steps, n_rows in self.batch_stages:
            whole = n_rows <= self.micro_batch_size or not (
                n_rows % self.micro_batch_size
            )
            if n_steps < 1 or n_rows < 1 or not whole:
                raise ValueError(
                    f"batch_stages: {n_rows} rows for {n_steps} steps; rows are at "
                    f"most micro_batch_size = {self.micro_batch_size}, or a multiple"
                )

    @property
    def row_schedule(self) -> BatchSchedule:
        """Rows of each step."""
        return BatchSchedule(self.batch_stages, self.batch_size)

    @property
    def tokens_per_step(self) -> int:
        """Tokens of one optimizer step, once the batch has its final size."""
        return self.batch_size * self.context_length

    @property
    def total_tokens(self) -> int:
        """Tokens of the whole run."""
        return self.row_schedule.first_row(self.total_steps) * self.context_length
