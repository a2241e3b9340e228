"""The view of a run: loss as a line of blocks, speed, utilisation, time left.

Live on a terminal, drawn in place by rich; elsewhere, and where rich is missing, the
plain lines of `Progress`. It reads records and changes nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TextIO

from scratchlm.base.progress import Progress
from scratchlm.base.units import format_count, format_duration, format_rate
from scratchlm.train.record import StepRecord

if TYPE_CHECKING:
    from rich.live import Live

BLOCKS, PLAIN_BLOCKS = "▁▂▃▄▅▆▇█", "_.-~=+*#"
WIDTH = 78
"""Columns of the live view."""
REDRAW_S = 0.25
SMOOTHED_STEPS = 20
"""Steps over which the shown loss and speed are averaged."""


class Trail:
    """A number's history in bounded memory: as it grows, neighbours are averaged."""

    def __init__(self, most: int = 256) -> None:
        assert most % 2 == 0
        self.values: list[float] = []
        self._most = most
        self._stride = 1
        self._pending: list[float] = []

    def add(self, value: float) -> None:
        """Take in the next number; what is not finite leaves no mark."""
        if not math.isfinite(value):
            return
        self._pending.append(value)
        if len(self._pending) < self._stride:
            return
        self.values.append(_mean(self._pending))
        self._pending.clear()
        if len(self.values) == self._most:
            pairs = zip(self.values[::2], self.values[1::2], strict=True)
            self.values = [(first + second) / 2 for first, second in pairs]
            self._stride *= 2


def sparkline(values: Sequence[float], width: int, blocks: str = BLOCKS) -> str:
    """Draw numbers as blocks of eight heights, at most `width` of them.

    Example: `sparkline([3, 2, 1], 3) == "█▅▁"`.
    """
    count = min(width, len(values))
    if not count:
        return ""
    edges = [round(i * len(values) / count) for i in range(count + 1)]
    means = [_mean(values[a:b]) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    scale = (len(blocks) - 1) / (high - low) if high > low else 0.0
    return "".join(blocks[round((mean - low) * scale)] for mean in means)


class TrainView:
    """An observer that draws; also a sink, so that it sees held-out figures.

    Args:
        progress: where plain lines go, and whose terminal a live view takes.
        live: False for plain lines on a terminal too.
        ceiling_flops_per_s: the measured ceiling that utilisation is a share of.
    """

    def __init__(
        self,
        progress: Progress,
        *,
        live: bool = True,
        ceiling_flops_per_s: float | None = None,
    ) -> None:
        self._progress = progress
        self._ceiling = ceiling_flops_per_s
        self._losses, self._norms = Trail(), Trail()
        self._recent: list[StepRecord] = []
        self._heldout = ""
        self._began: tuple[float, int] | None = None
        self._shown = -math.inf
        self._live = _open_live(progress.terminal) if live else None
        self._blocks = _blocks_for(progress.terminal)

    def step(self, record: StepRecord) -> None:
        """Take in a step; the live view is drawn four times a second at most."""
        now = time.monotonic()
        if self._began is None or record.step <= self._last_step:
            self._began = (now, record.step)
        self._recent = [*self._recent[-SMOOTHED_STEPS + 1 :], record]
        if record.action == "accept":
            self._losses.add(record.loss)
            self._norms.add(record.grad_norm)
        if self._live is None:
            note = plain_note(record, self._tokens_per_s)
            self._progress.update(record.step, record.total_steps, note)
        elif now - self._shown >= REDRAW_S or record.step == record.total_steps:
            self._shown = now
            self._draw(self._live, self.frame(now))

    def note(self, text: str) -> None:
        """Say a line that stays, above the live view."""
        if self._live is None:
            self._progress.note(text)
        else:
            self._live.console.print(text, markup=False, highlight=False)

    def write(self, step: int, values: Mapping[str, float | int | str]) -> None:
        """Remember held-out figures, as a sink of the metrics."""
        for name, unit in (("bits_per_byte", "bits per byte"), ("loss", "nats")):
            value = values.get(f"val/{name}")
            if isinstance(value, int | float):
                self._heldout = f"{value:.3f} {unit} after step {step:,}"
                return

    def drop_after(self, step: int) -> None:
        """Nothing to forget: the view shows what was."""

    def close(self) -> None:
        """Wipe the live view; what was noted stays."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._progress.clear()

    def frame(self, now: float) -> list[str]:
        """The lines of the live view at a time of `time.monotonic`."""
        record = self._recent[-1]
        loss = _mean([r.loss for r in self._recent if math.isfinite(r.loss)])
        name = self._progress.label or "train"
        share = record.step / record.total_steps
        place = f"step {record.step:,} of {record.total_steps:,} · {share:.0%}"
        speed = format_rate(self._tokens_per_s, "tokens")
        lines = [
            ("", f"{place}{self._time_left(now, record)}"),
            ("loss", _drawn(f"{loss:.3f}", self._losses.values, self._blocks)),
            ("held out", self._heldout),
            ("gradient", _drawn(_norm(record), self._norms.values, self._blocks)),
            ("speed", f"{speed}{self._utilisation()}"),
            ("read", f"{format_count(record.tokens)} tokens · rate {record.lr:.3g}"),
        ]
        shown = [(head, text) for head, text in lines if text]
        return [f"{head or name:<9} {text}"[:WIDTH] for head, text in shown]

    @property
    def _last_step(self) -> int:
        return self._recent[-1].step if self._recent else 0

    @property
    def _tokens_per_s(self) -> float:
        """Over the last steps, their own time only."""
        seconds = sum(record.step_s for record in self._recent)
        return sum(r.step_tokens for r in self._recent) / max(seconds, 1e-9)

    def _utilisation(self) -> str:
        shares = [r.mfu_frac for r in self._recent if r.mfu_frac is not None]
        if not shares:
            return ""
        share = f" · MFU {_mean(shares):.0%}"
        if self._ceiling is None:
            return share
        return f"{share} of the {format_rate(self._ceiling, 'FLOP')} measured"

    def _time_left(self, now: float, record: StepRecord) -> str:
        began, first = self._began or (now, record.step)
        if record.step <= first:
            return ""
        left = (record.total_steps - record.step) * (now - began)
        return f" · {format_duration(left / (record.step - first))} left"

    def _draw(self, live: Live, lines: list[str]) -> None:
        from rich.text import Text

        live.update(Text("\n".join(lines), no_wrap=True, overflow="crop"), refresh=True)


def plain_note(record: StepRecord, tokens_per_s: float) -> str:
    """What a plain line says of a step, between the share done and the time left."""
    parts = [f"loss {record.loss:.3f}", f"grad {record.grad_norm:.2f}"]
    parts.append(format_rate(tokens_per_s, "tokens"))
    if record.mfu_frac is not None:
        parts.append(f"MFU {record.mfu_frac:.0%}")
    if record.action != "accept":
        parts.append(record.action)
    return " · ".join(parts)


def _drawn(text: str, values: Sequence[float], blocks: str) -> str:
    return f"{text:<8} {sparkline(values, WIDTH - 20, blocks)}"


def _norm(record: StepRecord) -> str:
    return f"{record.grad_norm:.2f}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _blocks_for(stream: TextIO | None) -> str:
    encoding = getattr(stream, "encoding", None) or "ascii"
    with suppress(UnicodeEncodeError, LookupError):
        BLOCKS.encode(encoding)
        return BLOCKS
    return PLAIN_BLOCKS


def _open_live(stream: TextIO | None) -> Any:
    """A live display on a terminal that can redraw, else None."""
    if stream is None:
        return None
    try:
        from rich.console import Console
        from rich.live import Live
    except ImportError:
        return None
    console = Console(file=stream, highlight=False)
    if console.is_dumb_terminal:
        return None
    live = Live(console=console, auto_refresh=False, transient=True)
    live.start()
    return live
