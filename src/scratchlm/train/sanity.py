"""Sanity of a run: is my number normal? Each check gives one line.

    V vocabulary, T tokens a row, F inner channels of a feed-forward network

None of them changes what is learned: they read losses, gradients, ids, activations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from scratchlm.base.errors import UserError

FIRST_LOSS_SLACK = 0.35
"""Nats by which a normal first loss may miss ln V."""
GRADIENT_STEPS = 8
"""A parameter without a gradient over so many steps is reported."""


@dataclass(frozen=True)
class Finding:
    """What a check found."""

    check: str
    """first loss, gradients, leakage, dead units, unused experts, expected loss."""
    normal: bool
    text: str
    """One line; where it is not normal, with likely causes."""

    def __str__(self) -> str:
        return f"  {'sanity' if self.normal else 'ODD'}: {self.text}"


class SanityWatch:
    """The checks that belong into the loop: ids, first loss, gradients.

    Args:
        vocab_size: V.
        say: gets one line a finding.
        fresh: the weights are random, so that the first loss is known.
    """

    def __init__(
        self, vocab_size: int, say: Callable[[str], object], *, fresh: bool = True
    ) -> None:
        self.vocab_size = vocab_size
        self._say = say
        self._fresh = fresh
        self._silent: set[str] | None = None
        self._n_seen = 0

    def batch(self, step: int, arrays: Mapping[str, object]) -> None:
        """Check the ids of a batch before it reaches the device; microseconds.

        Raises:
            UserError: an id outside 0 … V - 1.
        """
        check_token_ids(arrays, self.vocab_size, f"step {step + 1}")

    def gradients(self, step: int, loss: float, masters: Mapping[str, Tensor]) -> None:
        """Look at the first steps' loss and gradients, after accumulation."""
        if step == 0 and self._fresh:
            self._say(str(judge_first_loss(loss, self.vocab_size)))
        if self._n_seen >= GRADIENT_STEPS:
            return
        self._n_seen += 1
        left = masters if self._silent is None else self._silent
        self._silent = {name for name in left if _is_silent(masters[name])}
        if not self._silent:
            self._n_seen = GRADIENT_STEPS
        elif self._n_seen == GRADIENT_STEPS:
            self._say(str(judge_gradients(sorted(self._silent))))


def check_token_ids(
    arrays: Mapping[str, object], vocab_size: int, where: str = "a batch"
) -> None:
    """Make sure that `tokens` and `targets` (B, T) are ids of the model.

    Raises:
        UserError: names the id, the row and where it stood.
    """
    for name in ("tokens", "targets"):
        ids = arrays.get(name)
        if not isinstance(ids, np.ndarray) or not ids.size:
            continue
        if int(ids.min()) >= 0 and int(ids.max()) < vocab_size:
            continue
        row, place = np.argwhere((ids < 0) | (ids >= vocab_size))[0][:2]
        raise UserError(
            f"{where}: {name} hold id {ids[row, place]} (row {row}, token {place}), "
            f"outside 0 … {vocab_size - 1}; the data were encoded by another "
            "tokenizer than the model's: build them again"
        )


def judge_first_loss(loss: float, vocab_size: int) -> Finding:
    """Compare a first loss (nats a token) with ln V, that of an even guess."""
    even = math.log(vocab_size)
    found = f"first loss {loss:.3f}, an even guess over {vocab_size:,} ids: {even:.3f}"
    if abs(loss - even) <= FIRST_LOSS_SLACK:
        return Finding("first loss", True, found)
    why = (
        "initial logits are too large (initialisation), or targets are shifted wrongly"
        if loss > even
        else "the weights are trained already, or targets stand among the inputs"
    )
    return Finding("first loss", False, f"{found}; {why}")


def judge_gradients(silent: Iterable[str], n_steps: int = GRADIENT_STEPS) -> Finding:
    """Report parameters that had no gradient, or a zero one, over the first steps."""
    names = list(silent)
    if not names:
        return Finding("gradients", True, "every parameter has a gradient")
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
    return Finding(
        "gradients",
        False,
        f"no gradient reached {shown} in {n_steps} steps: they do not learn (detached, "
        "frozen, behind a zero, or experts that the router never takes)",
    )


def _is_silent(parameter: Tensor) -> bool:
    return parameter.grad is None or not bool(parameter.grad.any())
