"""The form that the verbs of single stages share: RUN --out DIR [KEY=VALUE]…"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

from scratchlm.cli.options import (
    change_options,
    out_option,
    overrides_argument,
    runs_dir_option,
)

OnChange = Literal["refuse", "accept", "restart"]


def stage_command(
    verb: str,
    stage: str,
    what: str,
    model_from: str | None = None,
    resumes: bool = False,
) -> click.Command:
    """Build the command of a stage.

    Args:
        verb: its name on the command line.
        stage: the stage that it runs.
        what: its help.
        model_from: the input stage whose model `--model` replaces.
        resumes: whether it continues from checkpoints.
    """

    def command(
        run: str,
        overrides: tuple[str, ...],
        out: Path,
        runs_dir: Path,
        model: Path | None = None,
        on_change: OnChange = "refuse",
    ) -> None:
        replaced = (model_from, model)
        run_stage_alone(stage, run, overrides, out, runs_dir, replaced, on_change)

    example = f"Example: scratchlm {verb} laptop --out build/{verb} {verb}.seed=1"
    if verb in ("quantize", "export"):
        setting = {"quantize": "quantize.bits=8", "export": "export.dtype=bfloat16"}
        example = f"Example: scratchlm {verb} laptop --out build/{verb} {setting[verb]}"
    decorated: Callable[..., Any] = runs_dir_option(
        out_option(click.argument("run")(overrides_argument(command)))
    )
    if model_from is not None:
        decorated = model_option(decorated)
    if resumes:
        decorated = change_options(decorated)
    return click.command(verb, help=what, epilog=example)(decorated)


def model_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--model`: another model than the run's."""
    return click.option(
        "--model",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        help="Another model than the run's: the folder of a model or of a stage.",
    )(command)


def run_stage_alone(
    stage: str,
    run: str,
    overrides: tuple[str, ...],
    out: Path,
    runs_dir: Path,
    model: tuple[str | None, Path | None] = (None, None),
    on_change: OnChange = "refuse",
) -> None:
    """Run one stage of a run into a folder of its own, and say what came out."""
    from scratchlm.base.config import parse_overrides
    from scratchlm.pipeline.alone import run_alone
    from scratchlm.pipeline.process import prepare_process
    from scratchlm.pipeline.run_directory import find_run

    prepare_process()
    source, folder = model
    replaced = (source, folder) if source and folder else None
    found = find_run(runs_dir, run)
    said = run_alone(found, stage, out, parse_overrides(overrides), replaced, on_change)
    click.echo(f"{stage}: {said}\nwritten to {out}")
