"""An ablation as a page: what won, the table, the picture, the raw figures."""

from __future__ import annotations

import math
from pathlib import Path

from scratchlm.base.atomic import write_json, write_text
from scratchlm.base.statistics import Interval
from scratchlm.base.svg import Reference, Row, dot_plot, standalone_svg
from scratchlm.base.units import format_count
from scratchlm.pipeline.ablate import Ablation
from scratchlm.pipeline.variants import BASELINE
from scratchlm.tokenizer.sheet import Block, Drawing, Section, Sheet, Table, write_sheet

_LABEL = 19  # characters that a dot plot has room for


def write_ablation(ablation: Ablation, out: Path) -> Sheet:
    """Write `ablation.json`, `.html` and, from two variants on, `.svg`."""
    sheet = ablation_sheet(ablation)
    write_json(out / "ablation.json", ablation.as_json())
    write_sheet(out / "ablation.html", sheet)
    if sheet.drawings:
        write_text(out / "ablation.svg", standalone_svg(sheet.drawings[0].svg))
    return sheet


def ablation_sheet(ablation: Ablation) -> Sheet:
    """The findings of an ablation, finished or not."""
    blocks: tuple[Block, ...] = (
        _words(ablation),
        _table(ablation),
        *_drawing(ablation),
        _costs(ablation),
        *_followers(ablation),
    )
    return Sheet(
        _title(ablation),
        (Section("Compared", blocks), Section("Trial by trial", (_raw(ablation),))),
        ablation.as_json(),
    )


def _title(ablation: Ablation) -> str:
    rows = [row for row in ablation.rows if row.difference]
    clear = [row for row in rows if row.verdict == "better"]
    if not rows:
        return f"Ablation of {ablation.plan.base.name}: nothing compared yet"
    if not clear:
        return f"No variant of {len(rows)} beat the baseline for sure"
    best = min(clear, key=lambda row: row.bits_per_byte or math.inf)
    assert best.difference is not None
    return (
        f"{best.variant.label} lowered the held-out loss by "
        f"{-best.difference.value:.3f} bits per byte"
    )


def _words(ablation: Ablation) -> str:
    plan = ablation.plan
    n_seeds, n_rows = len(plan.seeds), len(plan.variants) - 1
    words = (
        f"{n_rows} variant{'s' * (n_rows != 1)} and the baseline ({plan.base.name}), "
        f"{n_seeds} seed{'s' * (n_seeds != 1)}, {format_count(plan.tokens)} tokens "
        f"each; {ablation.n_done} of {len(plan.trials)} trials done. The same seed "
        "sees the same rows in the same order. Differences are of bits per byte of "
        "held-out rows by seed, with a 95 % interval (Student's t); below zero is "
        "better, and unclear is an interval that holds zero."
    )
    if n_rows > 4:
        words += f" Of {n_rows} variants that do nothing, one in twenty stands out."
    return words


def _table(ablation: Ablation) -> Table:
    headers = ("variant", "bits/byte", "difference", "95 % interval", "verdict")
    rows = tuple(
        (
            row.variant.label,
            "–" if row.bits_per_byte is None else f"{row.bits_per_byte:.4f}",
            "–" if row.difference is None else f"{row.difference.value:+.4f}",
            _interval(row.difference),
            row.verdict,
        )
        for row in ablation.rows
    )
    return Table("By variant", headers, rows, (1, 2, 3))


def _costs(ablation: Ablation) -> Table:
    """Speeds are measured, one trial after the other, on whatever else ran."""
    base = ablation.plan.trials[BASELINE.label, ablation.plan.seeds[0]]
    rows = tuple(
        (
            row.variant.label,
            format_count(trial.model.n_parameters),
            f"× {trial.flops / base.flops:.2f}",
            "–" if row.speed_ratio is None else f"× {row.speed_ratio:.2f}",
        )
        for row in ablation.rows
        for trial in [ablation.plan.trials[row.variant.label, ablation.plan.seeds[0]]]
    )
    headers = ("variant", "parameters", "arithmetic", "tokens/s")
    return Table("What it costs", headers, rows, (1, 2, 3))


def _raw(ablation: Ablation) -> Table:
    seeds = tuple(f"seed {seed}" for seed in ablation.plan.seeds)
    rows = tuple(
        (
            row.variant.label,
            *(
                "–" if result is None or result.bits_per_byte is None
                else f"{result.bits_per_byte:.4f}"
                for result in row.results
            ),
        )
        for row in ablation.rows
    )  # fmt: skip
    return Table(
        "Bits per byte", ("variant", *seeds), rows, tuple(range(1, len(seeds) + 1))
    )


def _followers(ablation: Ablation) -> list[Table]:
    rows = tuple(
        (row.variant.label, ", ".join(f"{k} = {v}" for k, v in row.follows.items()))
        for row in ablation.rows
        if row.follows
    )
    return [Table("What followed from it", ("variant", "settings"), rows)] * bool(rows)


def _drawing(ablation: Ablation) -> list[Drawing]:
    shown = [row for row in ablation.rows if row.difference]
    if not shown:
        return []
    rows = [_dot(row.variant.label, row.difference) for row in shown if row.difference]
    values = [v for row in rows for v in (row.value, row.low, row.high)]
    known = [v for v in values if v is not None and math.isfinite(v)]
    margin = 0.08 * (max(*known, 0.0) - min(*known, 0.0)) or 0.01
    drawing = dot_plot(
        _title(ablation),
        rows,
        x_label="bits per byte against the baseline (left is better)",
        low=min(*known, 0.0) - margin,
        high=max(*known, 0.0) + margin,
        references=[Reference(0.0, "baseline")],
        digits=4,
    )
    return [Drawing(_title(ablation), drawing)]


def _dot(label: str, difference: Interval) -> Row:
    name = label if len(label) <= _LABEL else label[: _LABEL - 1] + "…"
    return Row(name, difference.value, difference.low, difference.high)


def _interval(interval: Interval | None) -> str:
    if interval is None or math.isnan(interval.low):
        return "–"
    return f"{interval.low:+.4f} to {interval.high:+.4f}"
