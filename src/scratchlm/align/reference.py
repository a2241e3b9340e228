"""The reference's log-probabilities, computed once and kept.

The reference never changes, so what it thinks of each answer is a table.  The file
is bound to the weights and the pairs it was made from by a hash: a resumed run
reads it, a run with other weights or pairs makes it anew.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from scratchlm.align.log_probs import score_pairs
from scratchlm.align.pairs import Pair
from scratchlm.base.atomic import write_bytes
from scratchlm.base.hashing import sha256_json

if TYPE_CHECKING:
    from scratchlm.model.transformer import Transformer

TENSOR = "log_probs"


def reference_log_probs(
    model: "Transformer",
    weights_hash: str,
    pairs: Sequence[Pair],
    pad_id: int,
    path: Path,
) -> NDArray[np.float32]:
    """Summed log-probabilities (N, 2) of (chosen, rejected) answers, in nats.

    Read from `path` where it belongs to these weights, this precision and these
    pairs; otherwise computed and written there.
    """
    key = reference_key(weights_hash, str(model.compute_dtype), pairs)
    kept = read_reference(path, key)
    if kept is not None and kept.shape == (len(pairs), 2):
        return kept
    table = score_pairs(model, pairs, pad_id)
    write_bytes(path, save({TENSOR: table}, metadata={"key": key}))
    return table


def reference_key(weights_hash: str, dtype: str, pairs: Sequence[Pair]) -> str:
    """Hash of all that the table depends on."""
    ids = [[pair.prompt, pair.chosen, pair.rejected] for pair in pairs]
    return sha256_json({"weights": weights_hash, "dtype": dtype, "pairs": ids})


def read_reference(path: Path, key: str) -> NDArray[np.float32] | None:
    """The kept table, or None where there is none of this key or it is damaged."""
    try:
        with safe_open(path, framework="numpy") as file:
            if (file.metadata() or {}).get("key") != key:
                return None
            table: NDArray[np.float32] = file.get_tensor(TENSOR)
            return table
    except (FileNotFoundError, SafetensorError):
        return None
