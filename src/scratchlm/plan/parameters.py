"""How many numbers a model holds, part by part, from its config alone.

Exact, not modelled: each figure is the product of the shapes that the model
allocates. C = d_model, F = d_ff, L = n_layers, V = vocab_size, H = query heads of
D channels, K key-value heads.
"""

from dataclasses import dataclass

from scratchlm.model.config import ModelConfig


@dataclass(frozen=True)
class ParameterCount:
    """Parameters of each part of a model; `total` is their sum."""

    embedding: int
    """Token table, V x C; it is the output matrix too where the head is tied."""
    positions: int
    """Learned position table; 0 with rotary positions."""
    attention: int
    """Query, key, value and output projections of all layers, with biases."""
    mlp: int
    """Up, down (and gate) projections of all layers, with biases."""
    norms: int
    """Gains (and offsets) of every normalisation, query and key norms included."""
    head: int
    """Output matrix of its own, V x C; 0 where it is tied to the embedding."""

    @property
    def total(self) -> int:
        """Every parameter once; a tied matrix counts once."""
        return self.blocks + self.embedding + self.positions + self.head

    @property
    def blocks(self) -> int:
        """Attention, MLP and norms of all layers, the final norm included."""
        return self.attention + self.mlp + self.norms


def count_parameters(config: ModelConfig) -> ParameterCount:
    """Count the parameters of a model without building it."""
    table = config.vocab_size * config.d_model
    learned = config.position == "learned"
    shapes = layer_matrices(config)
    return ParameterCount(
        embedding=table,
        positions=config.context_length * config.d_model if learned else 0,
        attention=_count_linear(config, shapes[:4]),
        mlp=_count_linear(config, shapes[4:]),
        norms=count_norms(config),
        head=0 if config.tied else table,
    )


def layer_matrices(config: ModelConfig) -> list[tuple[int, int]]:
    """Shapes (outputs, inputs) of a layer's matrices: q, k, v, o, (gate,) up, down."""
    queries = config.n_heads * config.d_head
    keys = config.n_kv_heads * config.d_head
    width, wide = config.d_model, config.d_ff
    n_wide = 2 if config.mlp == "swiglu" else 1
    attention = [(queries, width), (keys, width), (keys, width), (width, queries)]
    return attention + [(wide, width)] * n_wide + [(width, wide)]


def count_block_matrices(config: ModelConfig) -> int:
    """Weights in the matrices of all layers, biases left out."""
    return config.n_layers * sum(
        rows * columns for rows, columns in layer_matrices(config)
    )


def count_multiplied(config: ModelConfig) -> int:
    """Weights of the matrices that every token is multiplied by: the N of "6 N D".

    Those of the blocks and of the head, tied or not. Left out are the lookups (token
    and position tables) and the vectors (norms, biases).
    """
    return count_block_matrices(config) + config.vocab_size * config.d_model


def count_norms(config: ModelConfig) -> int:
    """Parameters of all norms; a post-norm model has no final one."""
    has_offset = config.norm == "layernorm" and config.bias
    per_norm = config.d_model * (2 if has_offset else 1)
    n_norms = 2 * config.n_layers + (config.norm_placement == "pre")
    per_layer_qk = 2 * config.d_head if config.qk_norm == "before_rope" else 0
    return n_norms * per_norm + config.n_layers * per_layer_qk


def _count_linear(config: ModelConfig, shapes: list[tuple[int, int]]) -> int:
    biases = sum(rows for rows, _ in shapes) if config.bias else 0
    return config.n_layers * (sum(r * c for r, c in shapes) + biases)
