"""Several sources of rows in one order, each with an exact number of rows.

The order goes in blocks. In each block every source has its quota of rows, rounded
once by largest remainders, at places that a keyed permutation draws anew for each
block. So the place of a row says at once which source it is from and which of that
source's rows it is; a source goes on through its own epochs.
"""

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.corpus.mix.quotas import divide
from scratchlm.data.batches import Batch, RowSource, places_of_step
from scratchlm.data.permutation import permute


class Blend:
    """An endless sequence of batches that mixes sources of rows.

    Args:
        parts: name -> rows; all of one kind and of one T.
        quotas: name -> rows in a block, as `quotas_of_weights` and `quotas_of_epochs`
            give them.
        batch_size: B.
        seed: decides where in a block the parts stand.

    Attributes:
        n_rows: rows of a block.
        context_length: T.

    Raises:
        UserError: names differ, a part has no row, or parts do not fit together.
    """

    def __init__(
        self,
        parts: Mapping[str, RowSource],
        quotas: Mapping[str, int],
        batch_size: int,
        seed: int,
    ) -> None:
        _check_parts(parts, quotas)
        self.parts = dict(parts)
        self.quotas = {name: quotas[name] for name in parts}
        self.batch_size = batch_size
        self.seed = seed
        self.n_rows = sum(self.quotas.values())
        self.context_length = next(iter(parts.values())).context_length
        self._ends = np.cumsum(list(self.quotas.values()))

    @property
    def fingerprint(self) -> str:
        """Hash of the parts, their seeds, and the quotas."""
        parts = [
            [name, part.fingerprint, part.seed, self.quotas[name]]
            for name, part in self.parts.items()
        ]
        return sha256_json(["blend", parts])

    @property
    def epochs(self) -> dict[str, float]:
        """How often a block shows each part's rows."""
        return {
            name: self.quotas[name] / part.n_rows for name, part in self.parts.items()
        }

    def batch(self, step: int) -> Batch:
        """The batch of a step (0, 1, …): a pure function of (seed, step)."""
        return self.rows(places_of_step(step, self.batch_size))

    def rows(self, places: NDArray[np.int64]) -> Batch:
        """The rows at some places of the order, (n, T)."""
        which, inner = self.locate(places)
        mixed: dict[str, NDArray[Any]] = {}
        for part, name in enumerate(self.parts):
            here = which == part
            if here.any():
                _scatter(self.parts[name].rows(inner[here]), here, mixed)
        return cast(Batch, mixed)

    def locate(
        self, places: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """For each place (n,): the number of its part, and the place in its order."""
        drawn = np.empty_like(places)
        blocks = places // self.n_rows
        for block in np.unique(blocks).tolist():
            here = blocks == block
            inside = places[here] % self.n_rows
            drawn[here] = permute(inside, self.n_rows, self.seed, block)
        which = np.searchsorted(self._ends, drawn, "right")
        quotas = np.array(list(self.quotas.values()))
        first = self._ends[which] - quotas[which]
        return which, blocks * quotas[which] + drawn - first


def quotas_of_weights(
    parts: Mapping[str, RowSource],
    weights: Mapping[str, float],
    block_rows: int | None = None,
) -> dict[str, int]:
    """Rows of each part in a block, by weights: they sum to the block exactly.

    Args:
        parts: name -> rows.
        weights: name -> any non-negative number; only their ratios count.
        block_rows: rows of a block; None takes those of all parts together.

    Raises:
        UserError: names differ, weights are negative or all 0, or a part with a
            weight gets no row.
    """
    _check_names(parts, weights)
    if not all(map(math.isfinite, weights.values())) or min(weights.values()) < 0:
        raise UserError(f"weights of a blend are 0 or more: {dict(weights)}")
    if not any(weights.values()):
        raise UserError(f"weights of a blend are not all 0: {dict(weights)}")
    size = block_rows or sum(part.n_rows for part in parts.values())
    shares = divide(size, weights)
    quotas = {name: shares[name] for name in parts}
    lost = [name for name in parts if weights[name] and not quotas[name]]
    if lost:
        raise UserError(
            f"{lost[0]!r} gets none of {size} rows: raise its weight or the block"
        )
    return quotas


def quotas_of_epochs(
    parts: Mapping[str, RowSource], epochs: Mapping[str, float]
) -> dict[str, int]:
    """Rows of each part in a block that shows every part so many times.

    Raises:
        UserError: names differ, or a number of epochs is negative.
    """
    _check_names(parts, epochs)
    if min(epochs.values()) < 0:
        raise UserError(f"epochs of a blend are 0 or more: {dict(epochs)}")
    return {name: round(parts[name].n_rows * epochs[name]) for name in parts}


def _check_names(parts: Mapping[str, RowSource], given: Mapping[str, object]) -> None:
    if not parts or set(parts) != set(given):
        raise UserError(
            f"a blend of {', '.join(sorted(parts)) or 'nothing'} was given numbers for "
            f"{', '.join(sorted(given)) or 'nothing'}: name the same"
        )


def _check_parts(parts: Mapping[str, RowSource], quotas: Mapping[str, int]) -> None:
    _check_names(parts, quotas)
    if min(quotas.values()) < 0 or not sum(quotas.values()):
        raise UserError(f"quotas of a blend are 0 or more, not all 0: {dict(quotas)}")
    kinds = {
        (part.context_length, tuple(sorted(part.rows(np.zeros(1, np.int64)))))
        for part in parts.values()
    }
    if len(kinds) > 1:
        raise UserError(
            "the parts of a blend have other lengths or other arrays: cut or pack them "
            f"alike ({', '.join(parts)})"
        )


def _scatter(
    batch: Batch, here: NDArray[np.bool_], mixed: dict[str, NDArray[Any]]
) -> None:
    """Put a part's rows where they belong in the whole batch."""
    arrays = cast(dict[str, NDArray[Any]], batch)
    for name, values in arrays.items():
        if name not in mixed:
            mixed[name] = np.empty((len(here), *values.shape[1:]), values.dtype)
        mixed[name][here] = values
