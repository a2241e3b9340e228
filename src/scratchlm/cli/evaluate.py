"""`scratchlm evaluate`: how good a model is, on what it never saw."""

from __future__ import annotations

from pathlib import Path

import click

from scratchlm.cli.options import out_option, overrides_argument, runs_dir_option
from scratchlm.cli.stage_verb import model_option, run_stage_alone

EPILOG = """\b
Examples:
  scratchlm evaluate laptop --out build/eval
  scratchlm evaluate laptop --what base --model build/train --out build/eval-base
"""
SOURCES = {"base": ("evaluate_base", "train"), "chat": ("evaluate_chat", "align")}


@click.command("evaluate", epilog=EPILOG)
@click.argument("run")
@overrides_argument
@click.option(
    "--what",
    type=click.Choice(list(SOURCES)),
    default="chat",
    show_default=True,
    help="base: bits per byte of the pretrained model; chat: answers, pairs.",
)
@model_option
@out_option
@runs_dir_option
def command(
    run: str,
    overrides: tuple[str, ...],
    what: str,
    model: Path | None,
    out: Path,
    runs_dir: Path,
) -> None:
    """Measure a model on the held-out text, questions and pairs of RUN."""
    stage, source = SOURCES[what]
    run_stage_alone(stage, run, overrides, out, runs_dir, (source, model))
