"""The loss of a model on fixed rows of held-out text, for comparing models.

All models of a comparison read the same rows, evenly spread over the held-out text and
nowhere overlapping. The evaluation stage reads whole documents instead, each from its
beginning: its bits per byte are the ones to quote, these are the ones to subtract.

Axes: B rows, T tokens of context.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from scratchlm.base.device import apply_machine
from scratchlm.base.errors import UserError
from scratchlm.base.machine import MachineConfig

ROWS_AT_ONCE = 8


@dataclass(frozen=True)
class HeldoutLoss:
    """Mean loss over `n_tokens` predicted tokens."""

    loss: float
    """Nats a token."""
    bits_per_byte: float
    """Bits for a byte of the text of these tokens."""
    n_tokens: int


def measure_heldout(
    model: Path,
    data: Path,
    tokenizer: Path,
    context_length: int,
    n_tokens: int,
    machine: MachineConfig,
) -> HeldoutLoss:
    """Predict about `n_tokens` held-out tokens in rows of `context_length`.

    Args:
        model: folder of the weights; they are read in float32.
        data: shards with a split `heldout`.
        tokenizer: file; says how many bytes a token is.
        context_length: T.
        n_tokens: fewer where less is held out, but at least one row.
        machine: device and threads.

    Raises:
        UserError: not one row is held out.
    """
    import torch

    from scratchlm.data import TokenStore
    from scratchlm.model import load_model
    from scratchlm.pipeline.samples import spread_rows
    from scratchlm.tokenizer import Tokenizer

    loaded = load_model(model, str(apply_machine(machine)))
    store = TokenStore.open(data, "heldout")
    wanted = max(1, n_tokens // context_length)
    stream = spread_rows(store, context_length + 1, wanted)  # (B, T + 1)
    if not len(stream):
        raise UserError(
            f"{data} holds {len(store)} tokens out, fewer than one row of "
            f"{context_length + 1}: hold out more text, or take a smaller "
            "train.context_length"
        )
    n_bytes = int(Tokenizer.load(tokenizer).byte_lengths[stream[:, 1:]].sum())
    rows = torch.from_numpy(stream).to(next(loaded.parameters()).device)
    nats = 0.0
    with torch.no_grad():
        for part in rows.split(ROWS_AT_ONCE):
            loss = loaded.loss(part[:, :-1].contiguous(), part[:, 1:].contiguous())
            nats += float(loss) * part[:, 1:].numel()
    count = stream[:, 1:].size
    return HeldoutLoss(nats / count, nats / math.log(2) / max(n_bytes, 1), count)
