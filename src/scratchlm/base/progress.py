"""Progress of long work: one line with rate and time left.

On a terminal the line is rewritten in place; elsewhere a plain line appears every
ten seconds, without control codes.
"""

import sys
import time
from typing import TextIO

from scratchlm.base.units import format_duration


class Progress:
    """Shows the progress of one stage on a stream."""

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        self.label = label
        self._stream = stream if stream is not None else sys.stderr
        self._terminal = self._stream.isatty()
        self._started = time.monotonic()
        self._first: tuple[float, float] | None = None
        self._last = 0.0
        self._shown = 0.0 if self._terminal else self._started
        self._width = 0

    @property
    def terminal(self) -> TextIO | None:
        """The terminal that it writes to, or None where there is none."""
        return self._stream if self._terminal else None

    def update(self, done: float, total: float, note: str = "") -> None:
        """Say how far the work is; draws at most ten times a second.

        Where less is done than before, something else has begun, and its rate is its
        own.
        """
        now = time.monotonic()
        if self._first is None or done < self._last:
            self._first = (now, done)
        self._last = done
        if now - self._shown < (0.1 if self._terminal else 10.0):
            return
        self._shown = now
        self._draw(self._line(now, done, total, note))

    def note(self, text: str) -> None:
        """Print a line that stays."""
        self.clear()
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Wipe the live line, if there is one."""
        if self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()
            self._width = 0

    def _line(self, now: float, done: float, total: float, note: str) -> str:
        share = done / total if total else 0.0
        parts = [f"{self.label}: {share:4.0%}"]
        if note:
            parts.append(note)
        start, at = self._first or (now, done)
        if done > at:
            left = (total - done) * (now - start) / (done - at)
            parts.append(f"{format_duration(left)} left")
        return " · ".join(parts)

    def _draw(self, line: str) -> None:
        if not self._terminal:
            self._stream.write(f"{line}\n")
        else:
            line = line[:79]
            self._stream.write("\r" + line.ljust(self._width))
            self._width = len(line)
        self._stream.flush()


class Silent(Progress):
    """Shows nothing."""

    def __init__(self) -> None:
        super().__init__("")
        self._terminal = False

    def update(self, done: float, total: float, note: str = "") -> None:
        """Do nothing."""

    def note(self, text: str) -> None:
        """Do nothing."""


SILENT = Silent()
