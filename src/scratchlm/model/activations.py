"""What the backward pass keeps of a forward pass, in bytes, from the config alone.

Modelled, place by place, after what each module saves; the tests hold it against the
tensors that autograd really packs. A place keeps numbers of the compute type (w bytes
each), or of float32 (4 bytes) where statistics are taken. C = d_model, F = d_ff, Q and
K the widths of all query and of all key heads, T the context, E an expert's width and
k how many a token meets. Imports no torch.
"""

from dataclasses import dataclass
from typing import Literal

from scratchlm.model.config import ModelConfig

Kernel = Literal["products", "sdpa"]

FLOAT = 4
INDEX = 8
BLOCK_TOKENS, MOST_BLOCKS = 64, 8
"""How attention by products cuts the queries."""


@dataclass(frozen=True)
class Activations:
    """Bytes kept a token, by place."""

    layers: tuple[int, ...]
    """In each layer; its input is not among them."""
    inputs: tuple[int, ...]
    """What each layer is given: the stream, and values where it adds some."""
    outside: int
    """Before the first layer and behind the last, the loss included."""

    @property
    def total(self) -> int:
        """Everything, with all layers kept."""
        return sum(self.layers) + self.outside

    @property
    def recomputed(self) -> int:
        """The most at any time where only the layers' inputs are kept."""
        return sum(self.inputs) + max(self.layers) + self.outside


def activations_per_token(
    config: ModelConfig,
    context_length: int | None = None,
    bytes_per_number: int = FLOAT,
    kernel: Kernel = "products",
) -> Activations:
    """Bytes that a training token keeps in each layer and outside of them.

    Args:
        config: the model; dropout counts as in training.
        context_length: tokens of a row; the config's where absent.
        bytes_per_number: of the compute type: 4, or 2 in mixed precision.
        kernel: how training attends.
    """
    n_tokens, w = context_length or config.context_length, bytes_per_number
    layers, inputs = [], []
    for layer in range(config.n_layers):
        kept = 2 * _norm_bytes(config, w) + _attention_bytes(
            config, layer, n_tokens, w, kernel
        )
        kept += _mlp_bytes(config, w) + 2 * _dropout_bytes(config, w)
        values = _value_bytes(config, layer, w)
        scaled = w * config.d_model if config.residual_scalars else 0
        layers.append(kept + values + scaled)
        inputs.append(w * config.d_model + scaled + values)
    return Activations(tuple(layers), tuple(inputs), _outside_bytes(config, w))


def estimate_activation_bytes(
    config: ModelConfig,
    n_tokens: int,
    *,
    context_length: int | None = None,
    bytes_per_number: int = FLOAT,
    kernel: Kernel = "products",
    checkpointing: bool = False,
) -> int:
    """Bytes that the backward pass needs of a forward pass over `n_tokens`.

    With `checkpointing` each layer's input is kept and one layer worked on at a time.
    Not among them: weights, gradients, and the chunk of logits that the loss holds.
    """
    kept = activations_per_token(config, context_length, bytes_per_number, kernel)
    masks = 0
    if kernel == "sdpa":  # windows as masks of numbers, one a layer, whatever the rows
        length = context_length or config.context_length
        windows = (config.window(layer) for layer in range(config.n_layers))
        masks = sum(w is not None and w < length for w in windows) * length**2
    per_token = kept.recomputed if checkpointing else kept.total
    return n_tokens * per_token + masks * bytes_per_number


def _norm_bytes(config: ModelConfig, w: int) -> int:
    """A norm of the stream: what it saves, and its output, which products save."""
    gain = config.norm_gain or config.norm == "layernorm"
    return _saved_norm_bytes(config, w) + _normed_bytes(config.d_model, gain, w)


def _saved_norm_bytes(config: ModelConfig, w: int) -> int:
    if config.norm == "layernorm":
        return w * config.d_model + 2 * FLOAT
    return _unit_bytes(config.d_model, 1)


def _unit_bytes(width: int, n_rows: int) -> int:
    """RMSNorm's saved input, normalised, with one root for each of `n_rows`."""
    return FLOAT * (width + n_rows)


def _normed_bytes(width: int, gain: bool, w: int) -> int:
    """RMSNorm's output: in float32 and without a gain that is its saved input."""
    return w * width if gain or w != FLOAT else 0


def _attention_bytes(
    config: ModelConfig, layer: int, n_tokens: int, w: int, kernel: Kernel
) -> int:
    queries = config.n_heads * config.d_head
    keys = config.n_kv_heads * config.d_head
    kept = w * (2 * queries + 2 * keys)  # q, k, v, and the output projection's input
    if config.qk_norm != "none":
        kept += _unit_bytes(queries + keys, config.n_heads + config.n_kv_heads)
    in_order = config.position == "rope" or kernel == "sdpa"
    if config.qk_norm == "after_rope" and in_order:  # the normed keys are saved once
        kept -= w * keys - _normed_bytes(keys, False, w)
    if kernel == "sdpa":  # a turned query's result is brought into order by a copy
        copied = w * queries if config.position == "rope" else 0
        return kept + copied + FLOAT * config.n_heads
    window = config.window(layer)
    return (
        kept + w * config.n_heads * _count_probabilities(n_tokens, window) // n_tokens
    )


def _count_probabilities(n_tokens: int, window: int | None) -> int:
    """Attention weights of a head that one row of tokens keeps, block by block."""
    size = max(BLOCK_TOKENS, -(-n_tokens // MOST_BLOCKS))
    window = n_tokens if window is None else window
    total = 0
    for start in range(0, n_tokens, size):
        stop = min(start + size, n_tokens)
        total += (stop - start) * (stop - max(start - window + 1, 0))
    return total


def _value_bytes(config: ModelConfig, layer: int, w: int) -> int:
    """The embedded values; the gate, before and after it is scaled."""
    if not config.has_value_embedding(layer):
        return 0
    return w * config.n_kv_heads * (config.d_head + 2)


def _mlp_bytes(config: ModelConfig, w: int) -> int:
    kept = 4 if config.mlp == "swiglu" else 2
    if config.n_experts is None:
        return w * kept * config.d_ff
    met, width = config.n_experts_per_token, config.d_model
    inner = kept * config.expert_width * (met + config.n_shared_experts)
    # the tokens in the experts' order, the experts' outputs in the tokens' order
    routed = w * (inner + 2 * met * width)
    scores = FLOAT * (config.n_experts + (met + 1 if met > 1 else 0))
    if w != FLOAT:  # the router's float32 copy; only a shared expert keeps the other
        scores += FLOAT * width - (0 if config.n_shared_experts else w * width)
    return routed + scores + met * (3 * INDEX + w)


def _dropout_bytes(config: ModelConfig, w: int) -> int:
    return w * config.d_model if config.dropout else 0


def _outside_bytes(config: ModelConfig, w: int) -> int:
    """Token ids; the norms outside the layers; the gradient that the loss prepares."""
    width = config.d_model
    kept = INDEX + w * width + _dropout_bytes(config, w)
    kept += _saved_norm_bytes(config, w) * (config.norm_placement == "pre")
    return kept + _saved_norm_bytes(config, w) * config.embedding_norm
