"""`scratchlm runs`: which runs there are."""

from __future__ import annotations

from pathlib import Path

import click

from scratchlm.cli.options import print_table, runs_dir_option


@click.command("runs", epilog="Example: scratchlm runs")
@runs_dir_option
def command(runs_dir: Path) -> None:
    """List the runs: recipe, state, held-out bits per byte, time spent."""
    from scratchlm.pipeline.runs import summarise_runs

    rows = summarise_runs(runs_dir)
    if not rows:
        click.echo(f"no runs in {runs_dir}; begin one with: scratchlm run laptop")
        return
    head = ("run", "recipe", "state", "bits/byte", "time")
    print_table([head, *[row.cells() for row in rows]], right=(3, 4))
