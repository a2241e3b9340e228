"""A stream that runs down the page and loses some at every step (a Sankey diagram).

Widths are proportional to the values, from the sources on top to the sides at the
end; what a step takes away turns off to the right, in its true width, and is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scratchlm.base.svg_parts import N_COLOURS, WIDTH, text_at, wrap

WIDEST = 230.0
TOP, LINE = 40.0, 44.0
LABELS = WIDEST + 34
LEAST_LABELLED = 26.0


@dataclass(frozen=True)
class Branch:
    """One step: its name, and what flows on of each source behind it."""

    label: str
    left: tuple[float, ...]


def stream_chart(
    title: str,
    sources: Sequence[tuple[str, float]],
    steps: Sequence[Branch],
    show: Callable[[float], str],
    gains: bool = False,
) -> str:
    """Draw a stream.

    Args:
        title: what a screen reader says.
        sources: name and value of each source, all non-negative.
        steps: what is left of each source after each step, in order.
        show: a value as text, with its unit.
        gains: also name steps that add to the stream, as repetition in a mix does.
    """
    values = [tuple(value for _, value in sources), *(step.left for step in steps)]
    most = max((sum(value) for value in values), default=0.0)
    if most <= 0:
        return wrap(title, 60, text_at(WIDTH / 2, 35, "nothing flowed", "", "middle"))
    scale = WIDEST / most
    parts = [_sources(sources, scale)]
    for number, step in enumerate(steps):
        before, after = values[number], values[number + 1]
        at = TOP + number * LINE
        parts.append(_bands(before, after, at, scale))
        parts.append(_lost(before, after, at, scale))
        parts.append(_label(step.label, before, after, at, show, gains))
    bottom = TOP + len(steps) * LINE
    total = f"{show(sum(values[-1]))} left"
    parts.append(text_at(0, bottom + 18, total, "title"))
    return wrap(title, bottom + 30, "".join(parts))


def _sources(sources: Sequence[tuple[str, float]], scale: float) -> str:
    parts, x = [], 0.0
    free = 0.0  # where the last label ends
    for name, value in sources:
        width = value * scale
        if width >= LEAST_LABELLED and x >= free:
            shown = name if len(name) <= 24 else f"{name[:23]}…"
            parts.append(text_at(x, TOP - 10, shown, "small"))
            free = x + 7.0 * len(shown)
        x += width
    return "".join(parts)


def _bands(
    before: Sequence[float], after: Sequence[float], at: float, scale: float
) -> str:
    """One band a source, from its place above to its place below."""
    parts, x0, x1 = [], 0.0, 0.0
    for number, (above, below) in enumerate(zip(before, after, strict=True)):
        wide = min(above, below) * scale
        if wide > 0:
            parts.append(
                f'<path class="f{number % N_COLOURS}" opacity=".75" d="'
                f"M{x0:.1f} {at:.1f}C{x0:.1f} {at + LINE / 2:.1f} "
                f"{x1:.1f} {at + LINE / 2:.1f} {x1:.1f} {at + LINE:.1f}"
                f"h{wide:.2f}C{x1 + wide:.1f} {at + LINE / 2:.1f} "
                f"{x0 + wide:.1f} {at + LINE / 2:.1f} {x0 + wide:.1f} {at:.1f}"
                f'Z"/>'
            )
        x0, x1 = x0 + above * scale, x1 + below * scale
    return "".join(parts)


def _lost(
    before: Sequence[float], after: Sequence[float], at: float, scale: float
) -> str:
    """What goes, as one band that turns to the right at the stream's edge."""
    lost = sum(max(0.0, a - b) for a, b in zip(before, after, strict=True)) * scale
    if lost < 0.3:
        return ""
    edge = sum(before) * scale
    begin = edge - lost
    y, thick = at + LINE / 2, min(lost, LINE * 0.8)
    return (
        f'<path fill="var(--faint)" opacity=".35" d="M{begin:.1f} {at:.1f}'
        f"h{lost:.2f}Q{edge:.1f} {y - thick / 2:.1f} {LABELS - 8:.1f} "
        f"{y - thick / 2:.1f}v{thick:.2f}Q{begin:.1f} {y + thick / 2:.1f} "
        f'{begin:.1f} {at:.1f}Z"/>'
    )


def _label(
    name: str,
    before: Sequence[float],
    after: Sequence[float],
    at: float,
    show: Callable[[float], str],
    gains: bool,
) -> str:
    came, left = sum(before), sum(after)
    y = at + LINE / 2
    share = f"{(came - left) / came:.1%}" if came else "–"
    what = f"− {show(came - left)} ({share})" if left < came else "nothing"
    if left > came and gains:
        what = f"+ {show(left - came)}"
    return text_at(LABELS, y - 2, name) + text_at(LABELS, y + 13, what, "small")
