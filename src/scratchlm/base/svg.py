"""Charts as inline SVG: enough for a report, small enough to read.

Two forms. `chart` draws lines over a common x axis; each line carries its name at its
end instead of in a legend. `dot_plot` draws one row a figure with its interval. Colours
are Okabe and Ito's, which colour-blind readers tell apart, and a line's dash pattern
says the same again. Nothing is drawn with a length that does not start at zero.

A figure is 480 units wide and its text 12 (16 on a narrow screen, by `STYLE`): it stays
readable at 360 px. Colours come from CSS classes, so that one drawing serves light,
dark and paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scratchlm.base.svg_parts import (
    N_COLOURS,
    STYLE,
    WIDTH,
    Scale,
    clamp,
    format_tick,
    is_finite,
    nice_end,
    segment,
    text_at,
    thin,
    ticks,
    wrap,
)

LEFT = 54.0
_CHARACTER_WIDTH = 8.0
_DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 2", "1 3")


@dataclass(frozen=True)
class Series:
    """One line: points in order of x, optionally with an interval around each."""

    label: str
    xs: Sequence[float]
    ys: Sequence[float]
    lows: Sequence[float] | None = None
    highs: Sequence[float] | None = None
    raw: bool = False
    """Thin and pale, without a label: the noise behind a smoothed line."""
    colour: int = 0


@dataclass(frozen=True)
class Reference:
    """A horizontal line to compare with."""

    y: float
    label: str


@dataclass(frozen=True)
class Row:
    """One row of a dot plot; ``low`` and ``high`` draw its interval."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    colour: int = 0
    heading: bool = False
    """A row of text that begins a group."""


def chart(
    title: str,
    series: Sequence[Series],
    *,
    x_label: str,
    y_label: str,
    references: Sequence[Reference] = (),
    y_from_zero: bool = True,
    y_log: bool = False,
    x_log: bool = False,
    x_ticks: Sequence[tuple[float, str]] = (),
    height: float = 260.0,
    show_title: bool = False,
) -> str:
    """Draw lines; non-finite points are left out, an empty chart says so.

    Both axes start at zero unless the y axis is told otherwise; a logarithmic one at
    a power of ten below the least value. A logarithmic x axis runs from the first
    point to the last. ``x_ticks`` are its (number, name) instead of round numbers;
    ``title`` is what a screen reader says.
    """
    shown = [_finite_series(one, y_log) for one in series]
    shown = [one for one in shown if one.xs]
    if not shown:
        return wrap(title, 60, text_at(WIDTH / 2, 35, "no points yet", anchor="middle"))
    top = 52.0 if show_title else 34.0
    x, y = _scales(shown, references, y_from_zero, y_log, top, height)
    if x_log:
        x = _log_scale(x, shown)
    parts = [text_at(0, 16, title, "title")] if show_title else []
    parts += [_y_axis(y, y_label, top), _x_axis(x, x_label, height, named=x_ticks)]
    parts += [_reference(x, y, one) for one in references]
    parts += [_draw_series(x, y, one) for one in shown]
    parts.append(_reference_labels(x, y, references))
    parts.append(_end_labels(x, y, shown))
    return wrap(title, height, "".join(parts))


def dot_plot(
    title: str,
    rows: Sequence[Row],
    *,
    x_label: str,
    low: float = 0.0,
    high: float | None = None,
    references: Sequence[Reference] = (),
    digits: int = 3,
) -> str:
    """Draw one row a figure: name, dot, interval, and the number itself.

    ``references`` are vertical lines here; ``low`` is where the axis starts.
    """
    ends = [v for row in rows for v in (row.value, row.high) if is_finite(v)]
    ends += [one.y for one in references]
    top = high if high is not None else nice_end(max(ends, default=1.0))
    line, begin = 26.0, 24.0 if references else 4.0
    bottom = begin + line * len(rows)
    x = Scale(low, max(top, low + 1e-9), 150, WIDTH - 62)
    parts = [_x_axis(x, x_label, bottom + 40, grid_top=begin)]
    for one in references:
        parts.append(segment("reference", x(one.y), begin, x(one.y), bottom))
        parts.append(text_at(x(one.y), begin - 6, one.label, "small", "middle"))
    for i, row in enumerate(rows):
        parts.append(_draw_row(x, begin + line * (i + 0.5), row, digits))
    return wrap(title, bottom + 40, "".join(parts))


def standalone_svg(drawing: str, background: bool = True) -> str:
    """A drawing as a file of its own: name space, style and paper included."""
    paper = '<rect width="100%" height="100%" fill="var(--paper)"/>'
    head = f"<style>{STYLE}</style>" + (paper if background else "")
    at = drawing.index(">") + 1
    opened = drawing[: at - 1] + ' xmlns="http://www.w3.org/2000/svg">'
    return opened + head + drawing[at:] + "\n"


def _finite_series(one: Series, positive: bool) -> Series:
    keep = [
        i
        for i, (x, y) in enumerate(zip(one.xs, one.ys, strict=True))
        if math.isfinite(x) and math.isfinite(y) and (y > 0 or not positive)
    ]

    def take(values: Sequence[float]) -> list[float]:
        return [values[i] for i in keep]

    return replace(
        one,
        xs=take(one.xs),
        ys=take(one.ys),
        lows=take(one.lows) if one.lows is not None else None,
        highs=take(one.highs) if one.highs is not None else None,
    )


def _scales(
    series: Sequence[Series],
    references: Sequence[Reference],
    from_zero: bool,
    log: bool,
    top: float,
    height: float,
) -> tuple[Scale, Scale]:
    xs = [x for one in series for x in one.xs]
    ys = [y for one in series for y in one.ys]
    ys += [y for one in series for y in (*(one.lows or ()), *(one.highs or ()))]
    ys += [one.y for one in references]
    ys = [y for y in ys if math.isfinite(y)]
    low, high = _y_range(min(ys), max(ys), from_zero, log)
    x = Scale(min(0.0, *xs), max(xs), LEFT, WIDTH - 14)
    return x, Scale(low, high, height - 46, top, log)


def _log_scale(x: Scale, series: Sequence[Series]) -> Scale:
    xs = [x for one in series for x in one.xs]
    return Scale(min(xs), max(xs), x.start + 16, x.end - 8, log=True)


def _y_range(low: float, high: float, zero: bool, log: bool) -> tuple[float, float]:
    if log:
        return 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
    if zero and low >= 0:
        return 0.0, nice_end(high)
    margin = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return low - margin, high + margin


def _y_axis(y: Scale, label: str, top: float) -> str:
    if y.log:
        low, high = round(math.log10(y.low)), round(math.log10(y.high))
        every = max(1, (high - low) // 5)
        values = [10.0**i for i in range(low, high + 1, every)]
    else:
        values = ticks(y.low, y.high)
    parts = [text_at(0, top - 16, label, "small")]
    for value in values:
        parts.append(segment("grid", LEFT, y(value), WIDTH - 14, y(value)))
        parts.append(text_at(LEFT - 6, y(value) + 4, format_tick(value), anchor="end"))
    return f'<g class="axis">{"".join(parts)}</g>'


def _x_axis(
    x: Scale,
    label: str,
    height: float,
    grid_top: float | None = None,
    named: Sequence[tuple[float, str]] = (),
) -> str:
    parts = [text_at((x.start + x.end) / 2, height - 6, label, "small", "middle")]
    for value, name in named or [(v, format_tick(v)) for v in ticks(x.low, x.high, 5)]:
        here = x(value)
        if grid_top is not None:
            parts.append(segment("grid", here, grid_top, here, height - 40))
        else:
            parts.append(segment("grid", here, height - 46, here, height - 41))
        parts.append(text_at(here, height - 26, name, anchor="middle"))
    return f'<g class="axis">{"".join(parts)}</g>'


def _reference(x: Scale, y: Scale, one: Reference) -> str:
    return segment("reference", x.start, y(one.y), x.end, y(one.y))


def _reference_labels(x: Scale, y: Scale, references: Sequence[Reference]) -> str:
    """Above the lines, or below where the space above is another label's."""
    parts, taken = [], -100.0
    for one in sorted(references, key=lambda reference: -reference.y):
        at = y(one.y) - 4
        if at < taken + 17:
            at = y(one.y) + 14
        taken = at
        parts.append(text_at(x.start + 4, at, one.label, "halo small"))
    return "".join(parts)


def _draw_series(x: Scale, y: Scale, one: Series) -> str:
    colour = one.colour % N_COLOURS
    parts = []
    if one.lows is not None and one.highs is not None:
        there = [
            f"{x(a):.1f},{y(b):.1f}" for a, b in zip(one.xs, one.highs, strict=True)
        ]
        back = [f"{x(a):.1f},{y(b):.1f}" for a, b in zip(one.xs, one.lows, strict=True)]
        points = " ".join(there + back[::-1])
        parts.append(f'<polygon class="band f{colour}" points="{points}"/>')
    xs, ys = thin(one.xs, one.ys)
    points = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in zip(xs, ys, strict=True))
    if len(xs) == 1:
        return (
            f'<circle class="f{colour}" cx="{x(xs[0]):.1f}" cy="{y(ys[0]):.1f}" r="4"/>'
        )
    dash = "" if one.raw else _DASHES[colour]
    extra = f' stroke-dasharray="{dash}"' if dash else ""
    kind = "line raw" if one.raw else "line"
    parts.append(f'<polyline class="{kind} s{colour}" points="{points}"{extra}/>')
    return "".join(parts)


def _end_labels(x: Scale, y: Scale, series: Sequence[Series]) -> str:
    """Names at the lines' ends: above them, or below where the figure ends; apart."""
    named = sorted(
        (one for one in series if not one.raw and one.label), key=lambda s: -s.ys[-1]
    )
    parts, free = [], y.end + 10
    for one in named:
        begin = x(one.xs[-1]) - _CHARACTER_WIDTH * len(one.label)
        under = [b for a, b in zip(one.xs, one.ys, strict=True) if x(a) >= begin]
        at = y(max(under)) - 7
        if at < y.end + 6:
            at = y(min(under)) + 17
        at = max(at, free)
        free = at + 17
        parts.append(text_at(x(one.xs[-1]), at, one.label, "halo", "end"))
    return "".join(parts)


def _draw_row(x: Scale, at: float, row: Row, digits: int) -> str:
    if row.heading:
        return text_at(0, at + 5, row.label, "title")
    name = text_at(0, at + 4, row.label)
    if row.value is None or not math.isfinite(row.value):
        return name + text_at(x.start + 4, at + 4, "not measured", "small")
    colour = row.colour % N_COLOURS
    parts = [name]
    if is_finite(row.low) and is_finite(row.high):
        ends = x(clamp(row.low, x)), x(clamp(row.high, x))
        parts.append(segment(f"whisker s{colour}", ends[0], at, ends[1], at))
        parts += [segment(f"whisker s{colour}", e, at - 4, e, at + 4) for e in ends]
    dot = x(clamp(row.value, x))
    parts.append(f'<circle class="f{colour}" cx="{dot:.1f}" cy="{at:.1f}" r="4.5"/>')
    parts.append(text_at(WIDTH, at + 4, f"{row.value:.{digits}f}", anchor="end"))
    return "".join(parts)
