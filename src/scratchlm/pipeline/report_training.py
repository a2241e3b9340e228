"""The report's chapter on pretraining: curves, and samples over time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from scratchlm.base.page import (
    code,
    details,
    facts,
    figure,
    heading,
    paragraph,
    section,
    table,
)
from scratchlm.base.svg import Reference, Series, chart
from scratchlm.base.svg_parts import smooth
from scratchlm.base.units import format_count, format_duration, format_rate
from scratchlm.pipeline.report_files import RunFiles, dig

SMOOTHED_SHARE = 0.01  # half width of the moving average, in shares of the run
_MOST_SAMPLES = 7


def training_section(run: RunFiles) -> str:
    """Loss, gradient norm, learning rate, validation, samples over time."""
    steps, losses = run.series("train/loss", "train")
    if not steps:
        state = paragraph(f"Pretraining: {run.state('train')}.")
        return section("train", "Pretraining", state)
    return section(
        "train",
        "Pretraining: how the model learned",
        _training_facts(run, steps),
        loss_figure(steps, losses, "Training loss"),
        _validation_figure(run),
        _gradient_figure(run),
        _rate_figure(run),
        _samples(run),
    )


def loss_figure(
    steps: Sequence[int],
    losses: Sequence[float],
    name: str,
    unit: str = "nats a token",
) -> str:
    """The loss curve with a title that says how far it fell, and its points."""
    drawing = loss_curve(steps, losses, name, unit)
    points = table(["step", "loss"], zip(steps, losses, strict=True), unit)
    return figure(loss_title(losses, name, unit), drawing, points_table(points))


def moving_average(values: Sequence[float]) -> list[float]:
    """What figures draw bold and titles speak of."""
    return smooth(values, max(1, round(SMOOTHED_SHARE * len(values))))


def loss_title(losses: Sequence[float], name: str, unit: str) -> str:
    """``Training loss fell from 8.32 to 2.10 nats a token in 1,800 steps``."""
    first, last = losses[0], moving_average(losses)[-1]
    if f"{first:.2f}" == f"{last:.2f}":
        return f"{name} stayed at {first:.2f} {unit} over {len(losses):,} steps"
    way = "fell" if last < first else "rose"
    return (
        f"{name} {way} from {first:.2f} to {last:.2f} {unit} in {len(losses):,} steps"
    )


def loss_curve(
    steps: Sequence[int],
    losses: Sequence[float],
    name: str,
    unit: str = "nats a token",
    show_title: bool = False,
) -> str:
    """The curve alone: raw losses pale, their moving average bold."""
    return chart(
        loss_title(losses, name, unit),
        [
            Series("", steps, losses, raw=True),
            Series("moving average", steps, moving_average(losses)),
        ],
        x_label="optimizer step",
        y_label=unit,
        show_title=show_title,
    )


def _training_facts(run: RunFiles, steps: Sequence[int]) -> str:
    _, speeds = run.series("train/tokens_per_s", "train")
    per_step = _product(run.recipe.get("train"), "batch_size", "context_length")
    model = run.recipe.get("model") or {}
    time = run.times.get("train")
    shape = " · ".join(
        f"{name} {model[name]}"
        for name in ("n_layers", "d_model", "n_heads", "context_length")
        if name in model
    )
    median = sorted(speeds)[len(speeds) // 2] if speeds else None
    return facts(
        [
            ("model", shape),
            ("steps", f"{len(steps):,}"),
            ("tokens", format_count(per_step * steps[-1]) if per_step else None),
            ("speed (median)", format_rate(median, "tokens") if median else None),
            ("time", format_duration(time.wall_s) if time else None),
        ]
    )


def _product(values: Any, *names: str) -> int | None:
    numbers = [dig(values, name) for name in names]
    whole = [number for number in numbers if isinstance(number, int)]
    return math.prod(whole) if len(whole) == len(names) else None


def _validation_figure(run: RunFiles) -> str:
    for key, unit in (
        ("val/bits_per_byte", "bits per byte"),
        ("val/loss", "nats a token"),
    ):
        steps, values = run.series(key)
        if steps:
            packed = run.evaluation("evaluate_base").get("compression") or {}
            lines = [
                Reference(float(packed[name]), label)
                for name, label in (
                    ("per_file_bits_per_byte", "xz, each file of all held-out text"),
                    ("archive_bits_per_byte", "xz, all held-out text as one archive"),
                )
                if key == "val/bits_per_byte" and packed.get(name)
            ]
            title = (
                f"On held-out text the model went from {values[0]:.2f} to "
                f"{values[-1]:.2f} {unit}"
            )
            drawing = chart(
                title,
                [Series("held-out text", steps, values)],
                x_label="optimizer step",
                y_label=unit,
                references=lines,
            )
            points = table(["step", unit], zip(steps, values, strict=True), unit)
            return figure(title, drawing, points_table(points))
    return ""


def _gradient_figure(run: RunFiles) -> str:
    steps, norms = run.series("train/grad_norm", "train")
    if not steps:
        return ""
    limit = dig(run.recipe, "train", "max_grad_norm")
    title = f"The gradient norm before clipping stayed below {max(norms):.3g}"
    references = []
    if isinstance(limit, int | float) and not isinstance(limit, bool):
        clipped = sum(norm > limit for norm in norms)
        title = f"Clipping at {limit:g} shortened {clipped:,} of {len(norms):,} steps"
        references = [Reference(float(limit), f"clipped above {limit:g}")]
    positive = [norm for norm in norms if norm > 0]
    drawing = chart(
        title,
        [
            Series("", steps, norms, raw=True),
            Series("moving average", steps, moving_average(norms)),
        ],
        x_label="optimizer step",
        y_label="global gradient norm before clipping",
        references=references,
        y_log=bool(positive) and max(positive) > 30 * min(positive),
    )
    points = table(["step", "norm"], zip(steps, norms, strict=True), "before clipping")
    return figure(title, drawing, points_table(points))


def _rate_figure(run: RunFiles) -> str:
    steps, rates = run.series("train/lr", "train")
    if not steps:
        return ""
    peak = max(rates)
    at = steps[rates.index(peak)]
    title = (
        f"The learning rate reached {peak:.3g} at step {at:,} "
        f"and ended at {rates[-1]:.2g}"
    )
    drawing = chart(
        title,
        [Series("", steps, rates)],
        x_label="optimizer step",
        y_label="learning rate",
        height=200,
    )
    points = table(["step", "rate"], zip(steps, rates, strict=True), "learning rate")
    return figure(title, drawing, points_table(points))


def _samples(run: RunFiles) -> str:
    by_prompt: dict[str, dict[int, str]] = {}
    for step, prompt, text in _sample_rows(run):
        by_prompt.setdefault(prompt, {})[step] = text
    if not by_prompt:
        return ""
    parts = [heading("Samples over time: the same beginning, continued as it learned")]
    for prompt, texts in by_prompt.items():
        parts.append(paragraph("The model was given:") + code(prompt))
        for step in _spread(sorted(texts)):
            parts.append(paragraph(f"After {step:,} steps:", True) + code(texts[step]))
    return "".join(parts)


def _sample_rows(run: RunFiles) -> Iterator[tuple[int, str, str]]:
    """Rows of ``samples.jsonl``: ``samples/0_prompt``, ``samples/0_text``, and on."""
    for row in run.rows("samples.jsonl"):
        for key, prompt in row.items():
            text = row.get(key.removesuffix("prompt") + "text")
            if key.endswith("_prompt") and text is not None:
                yield int(row.get("step", 0)), str(prompt), str(text)


def _spread(steps: list[int]) -> list[int]:
    if len(steps) <= _MOST_SAMPLES:
        return steps
    last = _MOST_SAMPLES - 1
    return [steps[round(i * (len(steps) - 1) / last)] for i in range(_MOST_SAMPLES)]


def points_table(content: str) -> str:
    """The numbers behind a figure, to open."""
    return details("The points as a table", content)
