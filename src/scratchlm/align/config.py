"""What preference training does. Imports no torch."""

from pydantic import Field

from scratchlm.finetune.config import TuningConfig


class AlignConfig(TuningConfig):
    """Direct preference optimisation on pairs of answers."""

    beta: float = Field(default=2.0, gt=0)
    """Strength of the leash to the reference; for sums of log-probabilities 0.1."""
    length_normalised: bool = True
    """Compare mean log-probabilities per token, as accuracy does, instead of sums."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    """Share of pairs believed to be labelled the wrong way round."""
    sft_weight: float = Field(default=1.0, ge=0)
    """Weight of the chosen answers' own likelihood; 0 is DPO alone."""
    epochs: float = Field(default=1.0, gt=0)
    """Passes over the pairs."""
    batch_size: int = Field(default=16, ge=1)
    """Pairs of one optimizer step."""
    matrix_lr: float = Field(default=6e-3, ge=0)
    """Peak learning rate of the blocks' matrices."""
    embed_lr: float = Field(default=1.8e-3, ge=0)
    """Peak learning rate of the embeddings."""
    head_lr: float = Field(default=9e-4, ge=0)
    """Peak learning rate of an untied head."""
    vector_lr: float = Field(default=1.8e-3, ge=0)
    """Peak learning rate of gains and biases."""
