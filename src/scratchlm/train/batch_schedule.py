"""Batch sizes that grow: rows of a step, and where in the data they begin.

Small batches learn most from a token while the loss falls fast, large ones when it
falls slowly (McCandlish et al. 2018). Both are pure functions of the step, so that a
run resumed anywhere reads the rows that it would have read. Imports no torch.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class BatchSchedule:
    """Stages of (steps, rows a step), then `batch_size` rows for good.

    `BatchSchedule(((100, 8), (50, 16)), 32)`: 8 rows in steps 0 to 99, 16 in steps 100
    to 149, 32 from there on.
    """

    stages: tuple[tuple[int, int], ...]
    batch_size: int

    def rows(self, step: int) -> int:
        """Rows of optimizer step `step` (from 0)."""
        left = step
        for n_steps, n_rows in self.stages:
            if left < n_steps:
                return n_rows
            left -= n_steps
        return self.batch_size

    def first_row(self, step: int) -> int:
        """Rows that all steps before `step` took together."""
        left, total = step, 0
        for n_steps, n_rows in self.stages:
            taken = min(left, n_steps)
            total += taken * n_rows
            left -= taken
        return total + left * self.batch_size
