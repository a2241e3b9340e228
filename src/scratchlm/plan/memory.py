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

from scratchlm.model.config import ModelConfig
from scratchlm.plan.parameters import count_block_matrices, count_parameters

Dtype = Literal["float32", "bfloat16", "float16"]
Optimizer = Literal["adamw", "muon"]
Attention = Literal["fused", "products"]

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of one number."""

LOGITS_ROWS = 1024
"""Rows that the chunked cross-entropy holds at a time."""


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
    attention: Attention = "fused",
) -> TrainingMemory:
    """Bytes that each of `n_gpus` needs to train on micro-batches of this size."""
    n_tokens = micro_batch_size * (context_length or config.context_length)
    n_parameters = count_parameters(config).total
    width = BYTES[dtype]
    share = [n_gpus if zero_stage >= stage else 1 for stage in (3, 2, 1)]
    rows = min(n_tokens, LOGITS_ROWS)
    return TrainingMemory(
        weights_bytes=-(-n_parameters * width // share[0]),
        gradients_bytes=-(-n_parameters * width // share[1]),
        optimizer_bytes=-(-count_optimizer_bytes(config, optimizer, dtype) // share[2]),
        activations_bytes=estimate_activation_bytes(
            config,
            n_tokens,
            dtype,
            checkpointing=checkpointing,
            attention=attention,
            context_length=context_length,
        ),
        logits_bytes=2 * rows * config.vocab_size * 4,
    )


def count_optimizer_bytes(
    config: ModelConfig, optimizer: Optimizer = "adamw", dtype: Dtype = "bfloat16"
) -> int:
    """Optimizer state in bytes, the float32 master weights of mixed precision included.

    AdamW holds two float32 numbers a parameter. Muon holds one for each matrix of
    the blocks; embeddings, head and vectors stay with AdamW.
    """
    parts = count_parameters(config)
    moments = 8 * parts.total
    if optimizer == "muon":
        moments -= 4 * count_block_matrices(config)
    return moments + (0 if dtype == "float32" else 4 * parts.total)


def estimate_activation_bytes(
    config: ModelConfig,
    n_tokens: int,
    dtype: Dtype = "bfloat16",
    *,
    checkpointing: bool = False,
    attention: Attention = "fused",
    context_length: int | None = None,
) -> int:
    """What the backward pass needs of `n_tokens` forward: kept tensors, in bytes.

    Per layer and token: each norm keeps its input and output (4 C); attention keeps
    queries, keys, values and its result, and the inputs of query-key norms; SwiGLU
    keeps gate, its SiLU, up and their product (4 F), the other MLPs input and output
    of the activation (2 F). Attention by products also keeps its probabilities, of
    which two causal blocks of queries leave three quarters of H T. Checkpointing
    keeps each layer's input and works one layer at a time.
    """
    queries = config.n_heads * config.d_head
    keys = config.n_kv_heads * config.d_head
    kept = (
        2 * queries
        + 2 * keys
        + (queries + keys if config.qk_norm == "before_rope" else 0)
    )
    kept += 4 * config.d_model
    kept += (4 if config.mlp == "swiglu" else 2) * config.d_ff
    if attention == "products":
        kept += config.n_heads * (context_length or config.context_length) * 3 // 4
    n_layers = 1 if checkpointing else config.n_layers
    inputs = config.n_layers * config.d_model if checkpointing else 0
    outside = 2 * config.d_model  # the final norm's input, the gradient of its output
    return n_tokens * (n_layers * kept + inputs + outside) * BYTES[dtype]


def count_kv_cache_bytes(
    config: ModelConfig,
    n_tokens: int,
    batch_size: int = 1,
    dtype: Dtype = "bfloat16",
) -> int:
    """Keys and values of `n_tokens` for each of `batch_size` sequences, in bytes."""
    per_token = 2 * config.n_layers * config.n_kv_heads * config.d_head
    return batch_size * n_tokens * per_token * BYTES[dtype]
