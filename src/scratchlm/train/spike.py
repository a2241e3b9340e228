"""Loss-spike watch: a robust z-score of each step's loss against the recent ones.

Median and median absolute deviation of a window; a spike does not enter the window,
so that it cannot hide the next one.
"""

from collections import deque
from statistics import median

WINDOW_STEPS = 128
FEWEST_STEPS = 32
THRESHOLD = 6.0
MAD_TO_SIGMA = 1.4826  # of a normal distribution


class SpikeWatch:
    """Says when a loss stands out from its predecessors."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=WINDOW_STEPS)

    def score(self, loss: float) -> float:
        """Robust z-score of a loss; 0 while too few steps were seen."""
        if len(self._recent) < FEWEST_STEPS:
            return 0.0
        middle = median(self._recent)
        mad = median(abs(value - middle) for value in self._recent)
        sigma = max(MAD_TO_SIGMA * mad, 1e-3 * abs(middle), 1e-8)
        return (loss - middle) / sigma

    def observe(self, loss: float) -> float | None:
        """Take in a loss; its score if it is a spike."""
        score = self.score(loss)
        if score > THRESHOLD:
            return score
        self._recent.append(loss)
        return None
