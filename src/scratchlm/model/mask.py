"""Masks: where a token may look. True = may.

Axes: B batch, T query tokens, S keys (cached ones and new ones).
"""

from functools import lru_cache

import torch
from jaxtyping import Bool, Int
from torch import Tensor


def causal_mask(
    n_new: int, n_all: int, device: torch.device
) -> Bool[Tensor, "1 1 T S"]:
    """True where a new token may look: at itself and at everything before it."""
    mask = torch.ones(n_new, n_all, dtype=torch.bool, device=device)
    return mask.tril(n_all - n_new)[None, None]


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def window_mask(
    n_new: int, n_all: int, window: int, device: torch.device
) -> Bool[Tensor, "1 1 T S"]:
    """The causal mask over the last `window` tokens, the looking one included."""
    mask = causal_mask(n_new, n_all, device)
    return mask.triu(n_all - n_new - window + 1)


def document_mask(doc_ids: Int[Tensor, "B T"]) -> Bool[Tensor, "B 1 T T"]:
    """The causal mask inside each document of a row.

    Padding (0) looks at padding only: no row of the mask is empty.
    """
    n_tokens = doc_ids.shape[1]
    same = doc_ids.unsqueeze(2) == doc_ids.unsqueeze(1)  # (B, T, T)
    return same.unsqueeze(1) & causal_mask(n_tokens, n_tokens, doc_ids.device)


def near_mask(
    positions: Int[Tensor, "B T"], key_positions: Int[Tensor, "B S"], window: int
) -> Bool[Tensor, "B 1 T S"]:
    """True where a key stands less than `window` tokens before the query."""
    distance = positions.unsqueeze(2) - key_positions.unsqueeze(1)  # (B, T, S)
    return (distance < window).unsqueeze(1)
