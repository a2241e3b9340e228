"""The form that the verbs of single stages share: RUN --out DIR [KEY=VALUE]…"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from scratchlm.cli.options import out_option, overrides_argument, runs_dir_option


def stage_command(
    verb: str, stage: str, what: str, model_from: str | None = None
) -> click.Command:
    """Build the command of a stage.

    Args:
        verb: its name on the command line.
        stage: the stage that it runs.
        what: its help.
        model_from: the input stage whose model `--model` replaces.
    """

    def command(
        run: str,
        overrides: tuple[str, ...],
        out: Path,
        runs_dir: Path,
        model: Path | None = None,
    ) -> None:
        run_stage_alone(stage, run, overrides, out, runs_dir, (model_from, model))

    example = f"Example: scratchlm {verb} laptop --out build/{verb} {verb}.seed=1"
    if verb in ("quantize", "export"):
        setting = {"quantize": "quantize.bits=8", "export": "export.dtype=bfloat16"}
        example = f"Example: scratchlm {verb} laptop --out build/{verb} {setting[verb]}"
    decorated: Callable[..., Any] = runs_dir_option(
        out_option(click.argument("run")(overrides_argument(command)))
    )
    if model_from is not None:
        decorated = model_option(decorated)
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
    said = run_alone(found, stage, out, parse_overrides(overrides), replaced)
    click.echo(f"{stage}: {said}\nwritten to {out}")
