"""`scratchlm run`: the whole way, from raw text to a chat model."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any, Literal

import click

from scratchlm.cli.options import (
    change_options,
    overrides_argument,
    runs_dir_option,
    track_option,
    track_overrides,
)

EPILOG = """\b
Examples:
  scratchlm run laptop
  scratchlm run laptop --minutes 30 --name long
  scratchlm run laptop --text ~/notes --name notes
  scratchlm run laptop align.beta=0.2      (changes one thing, repeats what follows)
  scratchlm run runs/laptop/recipe.toml    (repeats a run, measuring nothing)
"""


@click.command("run", epilog=EPILOG)
@click.argument("target", metavar="RECIPE|RUN|FILE.toml")
@overrides_argument
@click.option("--minutes", type=float, help="Time that the journey may take.  [10]")
@click.option(
    "--text",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Own text instead of the embedded corpus: files or folders.",
)
@click.option("--chat", type=click.Path(path_type=Path), help="Own conversations.")
@click.option("--preferences", type=click.Path(path_type=Path), help="Own pairs.")
@click.option("--depth", type=int, help="Number of layers; the width follows.")
@click.option("--name", help="Name of the run.  [that of the recipe]")
@change_options
@track_option
@runs_dir_option
def command(
    target: str,
    overrides: tuple[str, ...],
    name: str | None,
    runs_dir: Path,
    track: tuple[str, ...],
    on_change: Literal["refuse", "accept", "restart"],
    **options: Any,
) -> None:
    """Collect text, train a tokenizer and a model, teach it to chat, and more.

    RECIPE is one of laptop, modern, classic, diagram. What is up to date is skipped,
    what was interrupted continues. KEY=VALUE sets anything, as in train.seed=1.
    """
    from scratchlm.pipeline.journey import run_journey
    from scratchlm.pipeline.process import prepare_process
    from scratchlm.pipeline.request import draft_options, make_request

    prepare_process()
    said = draft_options([*overrides, *track_overrides(track)], **options)
    request = make_request(target, said, runs_dir, name)
    line = shlex.join(["scratchlm", *sys.argv[1:]])
    try:
        run_journey(request, line, click.echo, on_change)
    except KeyboardInterrupt:
        where = "" if runs_dir == Path("runs") else f" --runs-dir {runs_dir}"
        again = f"scratchlm run {request.run.name}{where}"
        click.echo(f"stopped; continue with: {again}", err=True)
        sys.exit(130)
