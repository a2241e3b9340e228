"""The report of a run: one HTML file that tells it as a story, stage by stage.

It is built from the files of the run directory alone, at any moment of the run, and
needs no network and no script. A stage that has not run is said to be not run yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_text
from scratchlm.base.errors import UserError
from scratchlm.base.page import page, paragraph, section
from scratchlm.base.svg import standalone_svg
from scratchlm.pipeline.report_base import base_section
from scratchlm.pipeline.report_chat import align_section, chat_section, finetune_section
from scratchlm.pipeline.report_events import events_section
from scratchlm.pipeline.report_export import export_section, quantize_section
from scratchlm.pipeline.report_files import RunFiles
from scratchlm.pipeline.report_run import (
    choices_section,
    environment_section,
    glance_section,
    oddities_section,
    receipts_section,
)
from scratchlm.pipeline.report_text import corpus_section, tokenizer_section
from scratchlm.pipeline.report_training import loss_curve, training_section

CHAPTERS: tuple[tuple[str, str, Callable[[RunFiles], str]], ...] = (
    ("glance", "At a glance", glance_section),
    ("choices", "Choices", choices_section),
    ("corpus", "Text", corpus_section),
    ("tokenizer", "Tokens", tokenizer_section),
    ("train", "Pretraining", training_section),
    ("events", "Events", events_section),
    ("base", "Base model", base_section),
    ("finetune", "Fine-tuning", finetune_section),
    ("align", "Preferences", align_section),
    ("chat", "Chat model", chat_section),
    ("quantize", "Four bits", quantize_section),
    ("export", "Export", export_section),
    ("odd", "What was odd", oddities_section),
    ("receipts", "Receipts", receipts_section),
    ("repeat", "Repeat it", environment_section),
)
"""Anchor, name in the contents, and what writes it, in the order of the stages."""


def write_report(run_directory: Path) -> Path:
    """Write ``report.html`` into a run directory; return its path.

    Raises:
        UserError: there is no run.
    """
    path = run_directory / "report.html"
    write_text(path, render_report(run_directory))
    return path


def render_report(run_directory: Path) -> str:
    """The whole page as HTML.

    Raises:
        UserError: there is no run.
    """
    if not run_directory.is_dir():
        raise UserError(
            f"{run_directory} is no run directory; `scratchlm runs` lists the runs"
        )
    run = RunFiles(run_directory)
    body = "\n".join(
        _write_chapter(anchor, name, write, run) for anchor, name, write in CHAPTERS
    )
    contents = [(anchor, name) for anchor, name, _ in CHAPTERS]
    return page(f"ScratchLM run {run.name}", contents, body)


def loss_curve_svg(metrics: Sequence[Mapping[str, Any]]) -> str:
    """The loss curve of pretraining as an SVG file of its own, from metrics rows."""
    points = sorted(
        {
            int(row["step"]): float(row["train/loss"])
            for row in metrics
            if row.get("stage") == "train" and "train/loss" in row
        }.items()
    )
    steps, losses = [step for step, _ in points], [loss for _, loss in points]
    if not points:
        raise UserError("these metrics hold no row of pretraining with train/loss")
    return standalone_svg(loss_curve(steps, losses, "Training loss", show_title=True))


def _write_chapter(
    anchor: str, name: str, write: Callable[[RunFiles], str], run: RunFiles
) -> str:
    """Write a chapter; files of a shape that it does not know cost only this one."""
    try:
        return write(run)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        text = f"This chapter could not be written from the run's files ({reason})."
        return section(anchor, name, paragraph(text))
