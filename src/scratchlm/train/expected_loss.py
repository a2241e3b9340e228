"""Is my loss normal? What models of a size usually reach after so many tokens.

    L(N, D) = E + A / N^α + B / D^β   bits per byte (the form of Hoffmann et al. 2022)

N counts the weights that a token is multiplied by (blocks and head), D the tokens read.
E is the entropy of text that Hoffmann et al. fitted, 1.69 nats a token, over 4.4 bytes;
the other constants are fitted to `KNOWN` runs by Huber's loss on log L. Texts differ
(code is easier than prose), and so do recipes: all known runs lie within 1.3 times
of the curve, and that is the band. It finds what is broken, not what could be better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from scratchlm.train.sanity import Finding

ENTROPY = 0.55
SIZE_FACTOR, SIZE_EXPONENT = 0.775, 0.056
DATA_FACTOR, DATA_EXPONENT = 34.0, 0.2555
WIDTH = 1.3
"""The band reaches from the curve over this to the curve times this."""
SIZES = (3e5, 2e9)
"""Weights between which the curve is known, and a little beyond."""
TOKENS = (1e5, 5e11)


class Known(NamedTuple):
    """A run whose end is known."""

    weights: float
    tokens: float
    bits_per_byte: float
    source: str


_GRID = "own run, Muon, 4 layers of 64"
_RECIPE = "own run, laptop recipe, embedded corpus"
_STUDY = "own study, ReLU², Muon, mixed English"
_STUDY_CODE = "own study, ReLU², Muon, embedded corpus"

KNOWN = (
    Known(4.76e5, 1.31e5, 2.463, f"{_GRID}, embedded corpus"),
    Known(4.76e5, 1.31e5, 2.491, f"{_GRID}, books"),
    Known(4.76e5, 1.31e5, 2.609, f"{_GRID}, textbooks"),
    Known(4.76e5, 1.31e5, 2.601, f"{_GRID}, technical prose"),
    Known(4.76e5, 2.62e5, 2.219, f"{_GRID}, embedded corpus"),
    Known(4.76e5, 2.62e5, 2.317, f"{_GRID}, books"),
    Known(4.76e5, 2.62e5, 2.419, f"{_GRID}, textbooks"),
    Known(4.76e5, 2.62e5, 2.385, f"{_GRID}, technical prose"),
    Known(4.76e5, 5.24e5, 1.969, f"{_GRID}, embedded corpus"),
    Known(4.76e5, 5.24e5, 2.167, f"{_GRID}, books"),
    Known(4.76e5, 5.24e5, 2.203, f"{_GRID}, textbooks"),
    Known(1.70e6, 1.83e6, 1.492, _RECIPE),
    Known(4.59e5, 3.01e6, 1.467, _RECIPE),
    Known(1.22e7, 1.10e5, 2.474, _STUDY),
    Known(1.22e7, 2.60e5, 2.287, _STUDY),
    Known(5.77e6, 6.00e5, 2.134, _STUDY),
    Known(5.77e6, 3.44e6, 1.762, _STUDY),
    Known(3.44e6, 3.10e5, 2.350, _STUDY),
    Known(3.44e6, 9.50e5, 2.067, _STUDY),
    Known(1.70e6, 1.67e6, 2.006, _STUDY),
    Known(3.44e6, 3.49e6, 1.602, _STUDY_CODE),
    Known(5.77e6, 2.28e6, 1.679, _STUDY_CODE),
    Known(7.30e8, 5.84e9, 0.718, "nanochat, depth 24, its leaderboard's sixth record"),
    Known(1.24e8, 2.95e11, 0.97, "nanoGPT's README: 2.85 nats, at about 4.25 bytes"),
)


@dataclass(frozen=True)
class LossBand:
    """Where the held-out loss of a run usually ends."""

    expected: float
    """Bits per byte on the curve."""
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.2f} to {self.high:.2f} bits per byte"

    def judge(self, bits_per_byte: float) -> Finding:
        """Compare what was reached at the end of a run."""
        found = f"held-out loss {bits_per_byte:.3f}, usual for this size and so many"
        found += f" tokens: {self}"
        if self.low <= bits_per_byte <= self.high:
            return Finding("expected loss", True, found)
        why = (
            "the text is unusually easy, or training text holds held-out text"
            if bits_per_byte < self.low
            else "learning rates may be far off, the text unusual or damaged, or the "
            "run too short for its warm-up"
        )
        return Finding("expected loss", False, f"{found}; {why}")


def expected_bits_per_byte(weights: float, tokens: float) -> float:
    """Evaluate the curve for N weights and D tokens, each read once or nearly so."""
    size = SIZE_FACTOR / math.pow(weights, SIZE_EXPONENT)
    return ENTROPY + size + DATA_FACTOR / math.pow(tokens, DATA_EXPONENT)


def loss_band(weights: float, tokens: float) -> LossBand | None:
    """Give the band, or None where no known run is near.

    Args:
        weights: that a token is multiplied by, as `count_multiplied` has it.
        tokens: read over the run; for several epochs what they are worth, as
            `plan.effective_tokens` has it.
    """
    inside = SIZES[0] <= weights <= SIZES[1] and TOKENS[0] <= tokens <= TOKENS[1]
    if not inside:
        return None
    middle = expected_bits_per_byte(weights, tokens)
    assert math.isfinite(middle)
    return LossBand(middle, middle / WIDTH, middle * WIDTH)
