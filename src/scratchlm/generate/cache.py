"""The KV cache: keys and values of the tokens that a model has already read.

A token's keys and values depend only on the tokens before it, so generation computes
each once: with the cache, one new token costs one column of attention, not a whole
square. The memory is allocated once, for the longest sequence that was asked for.

Axes: B sequences, K key/value heads, S cached tokens, T new tokens, D head channels.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from scratchlm.model.config import ModelConfig


class KVCache:
    """Preallocated keys and values of all layers of a batch.

    `length` is the number of columns that are filled. It stays while the layers of
    one forward pass write theirs, and moves when the last layer has.
    """

    def __init__(
        self,
        config: ModelConfig,
        batch: int,
        max_tokens: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        """Allocate room for `max_tokens` columns of `batch` sequences."""
        shape = (batch, config.n_kv_heads, max_tokens, config.d_head)
        layers = range(config.n_layers)
        self.keys = [torch.empty(shape, dtype=dtype, device=device) for _ in layers]
        self.values = [torch.empty(shape, dtype=dtype, device=device) for _ in layers]
        self.max_tokens = max_tokens
        self.length = 0

    def update(
        self, layer: int, k: Float[Tensor, "B K T D"], v: Float[Tensor, "B K T D"]
    ) -> tuple[Float[Tensor, "B K S D"], Float[Tensor, "B K S D"]]:
        """Append a layer's new keys and values.

        Returns:
            views of all keys and values of the layer so far, S = length + T.
        """
        end = self.length + k.shape[2]
        assert end <= self.max_tokens, f"the cache holds {self.max_tokens}, not {end}"
        keys, values = self.keys[layer], self.values[layer]
        keys[:, :, self.length : end] = k
        values[:, :, self.length : end] = v
        if layer == len(self.keys) - 1:
            self.length = end
        return keys[:, :, :end], values[:, :, :end]

    def keep(self, rows: Int64[Tensor, " kept"]) -> None:
        """Keep only these sequences of the batch, in this order."""
        self.keys = [keys[rows] for keys in self.keys]
        self.values = [values[rows] for values in self.values]
