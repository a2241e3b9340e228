"""How many numbers a model holds and how much arithmetic a token costs.

Exact, not modelled, from the config alone: each figure is a product of the shapes
that the model allocates, or of the products that it takes. C = d_model, F = d_ff,
L = n_layers, V = vocab_size, H = query heads of D channels, K key-value heads, N
experts of width E. One multiply-add is two FLOPs; a backward pass costs twice its
forward pass. Imports no torch.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from scratchlm.model.config import ModelConfig

Shape = tuple[int, int]
"""(outputs, inputs) of a matrix."""

Attention = Literal["causal", "full"]

MOST_LOSS_ROWS, LEAST_LOSS_ROWS = 1024, 256
MOST_LOGITS = 2**24
"""Rows and logits of a chunk of the cross-entropy, on a CPU."""


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of each part of a model; `total` is their sum."""

    embedding: int
    """Token table, V x C; it is the output matrix too where the head is tied."""
    positions: int
    """Learned position table; 0 without one."""
    values: int
    """Tables of value embeddings, V x K D each; their gates count as attention."""
    attention: int
    """Query, key, value and output projections of all layers, biases and gates."""
    mlp: int
    """Up, down (and gate) projections of all layers, biases, experts and routers."""
    norms: int
    """Gains (and offsets) of every normalisation, query and key norms included."""
    scalars: int
    """Two numbers a layer that weigh the stream and the embedding, or 0."""
    head: int
    """Output matrix of its own, V x C; 0 where it is tied to the embedding."""
    idle: int
    """Of the above, those in experts that a token does not go through."""

    @property
    def total(self) -> int:
        """Every parameter once; a tied matrix counts once."""
        tables = self.embedding + self.positions + self.values
        return self.blocks + tables + self.scalars + self.head

    @property
    def active(self) -> int:
        """Parameters without the experts that a token does not go through."""
        return self.total - self.idle

    @property
    def blocks(self) -> int:
        """Attention, MLP and norms of all layers, the final norm included."""
        return self.attention + self.mlp + self.norms


def count_parameters(config: ModelConfig) -> ParameterCount:
    """Count the parameters of a model without building it."""
    table = config.vocab_size * config.d_model
    n_values = sum(map(config.has_value_embedding, range(config.n_layers)))
    gates = n_values * config.n_kv_heads * config.value_gate_width
    values = n_values * config.vocab_size * config.n_kv_heads * config.d_head
    learned = config.position == "learned"
    mlp = _size(mlp_matrices(config))
    return ParameterCount(
        embedding=table,
        positions=config.context_length * config.d_model if learned else 0,
        values=values,
        attention=config.n_layers * count_attention_parameters(config) + gates,
        mlp=config.n_layers * (mlp + _count_mlp_biases(config)),
        norms=count_norms(config),
        scalars=2 * config.n_layers if config.residual_scalars else 0,
        head=0 if config.tied else table,
        idle=config.n_layers * (mlp - _size(_met_matrices(config))),
    )


def count_attention_parameters(config: ModelConfig) -> int:
    """Projections of one layer with their biases, gates of values left out."""
    biases = sum(rows for rows, _ in attention_matrices(config)) if config.bias else 0
    return _size(Counter(attention_matrices(config))) + biases


def count_norms(config: ModelConfig) -> int:
    """Parameters of all norms; a post-norm model has no final one."""
    has_offset = config.norm == "layernorm" and config.bias
    per_norm = config.d_model * (2 if has_offset else 1) * config.norm_gain
    n_norms = 2 * config.n_layers + (config.norm_placement == "pre")
    n_norms += config.embedding_norm
    per_layer = 2 * config.d_head if config.qk_norm == "before_rope" else 0
    return n_norms * per_norm + config.n_layers * per_layer


def attention_matrices(config: ModelConfig) -> list[Shape]:
    """Shapes of a layer's projections: q, k, v, o."""
    queries = config.n_heads * config.d_head
    keys = config.n_kv_heads * config.d_head
    width = config.d_model
    return [(queries, width), (keys, width), (keys, width), (width, queries)]


def mlp_matrices(config: ModelConfig) -> Counter[Shape]:
    """Shapes of a layer's feed-forward matrices and how often each is there.

    With experts: N of each, the shared network's, and the router's.
    """
    return _feed_forward(config, config.n_experts)


def block_matrices(config: ModelConfig) -> Counter[Shape]:
    """Shapes of the matrices of all layers and how often each is there."""
    n_layers, counted = config.n_layers, Counter[Shape]()
    for shape, n in (
        Counter(attention_matrices(config)) + mlp_matrices(config)
    ).items():
        counted[shape] += n_layers * n
    n_values = sum(map(config.has_value_embedding, range(n_layers)))
    counted[config.n_kv_heads, config.value_gate_width] += n_values
    return +counted


def count_block_matrices(config: ModelConfig) -> int:
    """Weights in the matrices of all layers, biases left out."""
    return _size(block_matrices(config))


def count_multiplied(config: ModelConfig) -> int:
    """Weights of the matrices that every token is multiplied by: the N of "6 N D".

    Those of the blocks and of the head, tied or not; of experts, those that a token
    goes through. Left out are the lookups (token, position and value tables) and the
    vectors (norms, biases).
    """
    idle = config.n_layers * (
        _size(mlp_matrices(config)) - _size(_met_matrices(config))
    )
    return count_block_matrices(config) - idle + config.vocab_size * config.d_model


def count_keys_seen(
    config: ModelConfig,
    layer: int,
    context_length: int | None = None,
    attention: Attention = "causal",
) -> float:
    """Keys that a token of a full context meets in a layer, on average.

    Causal: the token at place t meets t + 1, or its window: (T + 1) / 2 on average
    without one. "full" counts T (or the window) for each, as many published figures
    do; that is up to twice as much and flatters the hardware.
    """
    n_tokens = context_length or config.context_length
    window = min(config.window(layer) or n_tokens, n_tokens)
    if attention == "full":
        return window
    return window - window * (window - 1) / (2 * n_tokens)


def estimate_forward_flops(
    config: ModelConfig,
    context_length: int | None = None,
    attention: Attention = "causal",
) -> float:
    """FLOPs of one forward pass per token, averaged over a full context.

    Two a multiplied weight (Kaplan et al. 2020), and two products of attention,
    scores and mixing, over the keys seen. Norms, activations, softmax and sampling
    are left out: under 2 % at any size.
    """
    seen = sum(
        count_keys_seen(config, layer, context_length, attention)
        for layer in range(config.n_layers)
    )
    return 2 * count_multiplied(config) + 4 * config.n_heads * config.d_head * seen


def estimate_training_flops(
    config: ModelConfig,
    context_length: int | None = None,
    attention: Attention = "causal",
) -> float:
    """FLOPs of one training token: forward once, backward twice that."""
    return 3 * estimate_forward_flops(config, context_length, attention)


def count_loss_rows(vocab_size: int, device_type: str = "cpu") -> int:
    """Rows of logits that the chunked cross-entropy holds at a time.

    A power of two: on a CPU at most 1,024 (more bring no speed) and 64 MiB of
    float32 logits, at least 256; elsewhere eight times that, for launches are dear
    and memory is fast. It depends on the shape alone, never on what memory is free:
    so does every rounding.
    """
    factor = 1 if device_type == "cpu" else 8
    rows = min(MOST_LOSS_ROWS, max(LEAST_LOSS_ROWS, MOST_LOGITS // vocab_size))
    return factor * (1 << rows.bit_length() - 1)


def count_kv_bytes_per_token(config: ModelConfig, bytes_per_number: int = 2) -> int:
    """Bytes that generation keeps of each token: keys and values of all layers."""
    return 2 * config.n_layers * config.n_kv_heads * config.d_head * bytes_per_number


def _feed_forward(config: ModelConfig, n_experts: int | None) -> Counter[Shape]:
    """Matrices of a layer where `n_experts` are counted of those that there are."""
    width, n_wide = config.d_model, 2 if config.mlp == "swiglu" else 1
    if n_experts is None or config.n_experts is None:
        return Counter({(config.d_ff, width): n_wide}) + Counter([(width, config.d_ff)])
    inner = config.expert_width
    shared = config.n_shared_experts * inner
    counted = Counter({(config.n_experts, width): 1})
    for size, n in ((inner, n_experts), (shared, 1 if shared else 0)):
        counted[size, width] += n_wide * n
        counted[width, size] += n
    return +counted


def _met_matrices(config: ModelConfig) -> Counter[Shape]:
    met = config.n_experts_per_token if config.n_experts is not None else None
    return _feed_forward(config, met)


def _count_mlp_biases(config: ModelConfig) -> int:
    if not config.bias or config.n_experts is not None:
        return 0
    return (2 if config.mlp == "swiglu" else 1) * config.d_ff + config.d_model


def _size(shapes: Counter[Shape]) -> int:
    return sum(rows * columns * n for (rows, columns), n in shapes.items())
