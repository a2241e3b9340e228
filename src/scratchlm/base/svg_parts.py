"""What charts are made of: scales, round numbers, text, and the one style sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate
from typing import TypeGuard

WIDTH = 480.0
N_COLOURS = 6

STYLE = """
.chart{--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#e69f00;--c5:#56b4e9;
--ink:#1b1b1b;--faint:#666;--grid:#ddd;--paper:#fff}
@media (prefers-color-scheme:dark){.chart{--c0:#56b4e9;--c1:#e69f00;--c2:#2cc295;
--c3:#e39ac2;--c4:#f0e442;--c5:#ff8a4d;--ink:#eee;--faint:#aaa;--grid:#444;
--paper:#16181c}}
@media print{.chart{--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#cc79a7;--c4:#e69f00;
--c5:#56b4e9;--ink:#000;--faint:#444;--grid:#ccc;--paper:#fff}}
.chart text{font:12px system-ui,sans-serif;fill:var(--ink);
font-variant-numeric:tabular-nums}
.chart .axis text,.chart text.small{fill:var(--faint)}
.chart text.halo{paint-order:stroke;stroke:var(--paper);stroke-width:4px;
stroke-linejoin:round}
.chart text.title{font-weight:600}
.chart .grid{stroke:var(--grid);stroke-width:1}
.chart .line{fill:none;stroke-width:2;stroke-linejoin:round}
.chart .raw{stroke-width:1;opacity:.35}
.chart .band{opacity:.2;stroke:none}
.chart .reference{stroke:var(--faint);stroke-width:1.5;stroke-dasharray:2 3}
.chart .whisker{stroke-width:2}
@media (max-width:480px){.chart text{font-size:16px}}
""" + "".join(
    f".chart .s{i}{{stroke:var(--c{i})}}.chart .f{i}{{fill:var(--c{i})}}\n"
    for i in range(N_COLOURS)
)


@dataclass(frozen=True)
class Scale:
    """Data to drawing units, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value is drawn."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = (math.log10(max(v, 1e-300)) for v in (low, high, at))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)


def thin(
    xs: Sequence[float], ys: Sequence[float], limit: int = 500
) -> tuple[list[float], list[float]]:
    """Keep at most about ``limit`` points: the extremes of each stretch survive."""
    n = len(xs)
    if n <= limit:
        return list(xs), list(ys)
    kept = {0, n - 1}
    size = 2 * n / limit
    for i in range(limit // 2):
        stretch = range(int(i * size), min(int((i + 1) * size), n))
        if stretch:
            kept |= {min(stretch, key=ys.__getitem__), max(stretch, key=ys.__getitem__)}
    order = sorted(kept)
    return [xs[i] for i in order], [ys[i] for i in order]


def smooth(ys: Sequence[float], half_width: int) -> list[float]:
    """Centred moving average over 2 · half_width + 1 points, fewer at both ends."""
    sums = [0.0, *accumulate(ys)]
    n = len(ys)
    bounds = [(max(0, i - half_width), min(n, i + half_width + 1)) for i in range(n)]
    return [(sums[end] - sums[begin]) / (end - begin) for begin, end in bounds]


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers (1, 2, 5 times a power of ten) from low to high, both included."""
    if not high > low:
        return [low]
    rough = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def format_tick(value: float) -> str:
    """A number for an axis: three digits, thousands as k, M, G."""
    size = abs(value)
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if size >= limit:
            return f"{value / limit:.3g} {unit}"
    if size and size < 1e-3:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:.3g}"


def nice_end(high: float) -> float:
    """The round number at which an axis from zero ends."""
    if high <= 0:
        return 1.0
    step = ticks(0, high)
    gap = step[1] - step[0] if len(step) > 1 else high
    return math.ceil(2 * high / gap - 1e-9) * gap / 2


def is_finite(value: float | None) -> TypeGuard[float]:
    """Whether there is a number at all."""
    return value is not None and math.isfinite(value)


def clamp(value: float, scale: Scale) -> float:
    """The nearest value that the scale shows."""
    return min(max(value, scale.low), scale.high)


def segment(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    """A straight line of a CSS class."""
    return (
        f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" '
        f'x2="{x2:.1f}" y2="{y2:.1f}"/>'
    )


def text_at(
    x: float, y: float, text: str, kind: str = "", anchor: str = "start"
) -> str:
    """Text at a point; ``anchor`` is start, middle or end."""
    attributes = f' class="{kind}"' if kind else ""
    if anchor != "start":
        attributes += f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(text)}</text>'


def wrap(title: str, height: float, content: str) -> str:
    """A whole figure, read out by its title."""
    label = escape(title, quote=True)
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" '
        f'aria-label="{label}">{content}</svg>'
    )
