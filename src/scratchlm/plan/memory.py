"""How many bytes training and generation hold, part by part.

Mixed precision (`dtype="bfloat16"`) keeps a half-width copy of the weights for the
matrix products and, in the optimizer's share, a full-width master copy: 2 + 2 + 12
bytes a parameter with AdamW, as in Rajbhandari et al. 2020 (ZeRO). In float32 there
is no second copy: 4 + 4 + 8. ZeRO stages divide among the GPUs: 1 the optimizer's
share, 2 the gradients too, 3 the weights too. Activations and logits are never
divided: they belong to the micro-batch that a GPU works on.
"""

from dataclasses import dataclass
from typing import Literal

from scratchlm.model.activations import Kernel, estimate_activation_bytes
from scratchlm.model.config import ModelConfig
from scratchlm.model.counts import (
    block_matrices,
    count_block_matrices,
    count_kv_bytes_per_token,
    count_loss_rows,
    count_parameters,
)

Dtype = Literal["float32", "bfloat16", "float16"]
Optimizer = Literal["adamw", "muon", "soap"]

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of one number."""


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes on one GPU (or in one process) while it trains."""

    weights_bytes: int
    gradients_bytes: int
    optimizer_bytes: int
    activations_bytes: int
    logits_bytes: int

    @property
    def state_bytes(self) -> int:
        """What does not depend on the batch."""
        return self.weights_bytes + self.gradients_bytes + self.optimizer_bytes

    @property
    def total_bytes(self) -> int:
        """Everything; leave a tenth of the device to its allocator."""
        return self.state_bytes + self.activations_bytes + self.logits_bytes


def estimate_training_memory(
    config: ModelConfig,
    *,
    micro_batch_size: int = 1,
    context_length: int | None = None,
    optimizer: Optimizer = "adamw",
    dtype: Dtype = "bfloat16",
    zero_stage: int = 0,
    n_gpus: int = 1,
    checkpointing: bool = False,
    attention: Kernel = "sdpa",
    device_type: str = "cuda",
) -> TrainingMemory:
    """Bytes that each of `n_gpus` needs to train on micro-batches of this size.

    `attention` is how training attends; `device_type` sets the size of a chunk of
    logits.
    """
    n_tokens = micro_batch_size * (context_length or config.context_length)
    n_parameters = count_parameters(config).total
    width = BYTES[dtype]
    share = [n_gpus if zero_stage >= stage else 1 for stage in (3, 2, 1)]
    rows = min(n_tokens, count_loss_rows(config.vocab_size, device_type))
    return TrainingMemory(
        weights_bytes=-(-n_parameters * width // share[0]),
        gradients_bytes=-(-n_parameters * width // share[1]),
        optimizer_bytes=-(-count_optimizer_bytes(config, optimizer, dtype) // share[2]),
        activations_bytes=estimate_activation_bytes(
            config,
            n_tokens,
            context_length=context_length,
            bytes_per_number=width,
            kernel=attention,
            checkpointing=checkpointing,
        ),
        logits_bytes=2 * rows * config.vocab_size * 4,
    )


def count_optimizer_bytes(
    config: ModelConfig, optimizer: Optimizer = "adamw", dtype: Dtype = "bfloat16"
) -> int:
    """Optimizer state in bytes, the float32 master weights of mixed precision included.

    AdamW holds two float32 numbers a parameter. Muon holds one for each matrix of
    the blocks; embeddings, head and vectors stay with AdamW. SOAP holds AdamW's two
    and, for a matrix of m x n, both bases and both averaged products: 2 (m² + n²).
    """
    parts = count_parameters(config)
    moments = 8 * parts.total
    if optimizer == "muon":
        moments -= 4 * count_block_matrices(config)
    if optimizer == "soap":
        shapes = block_matrices(config).items()
        moments += 4 * sum(
            n * 2 * (rows**2 + columns**2) for (rows, columns), n in shapes
        )
    return moments + (0 if dtype == "float32" else 4 * parts.total)


def count_kv_cache_bytes(
    config: ModelConfig,
    n_tokens: int,
    batch_size: int = 1,
    dtype: Dtype = "bfloat16",
) -> int:
    """Keys and values of `n_tokens` for each of `batch_size` sequences, in bytes."""
    return batch_size * n_tokens * count_kv_bytes_per_token(config, BYTES[dtype])
