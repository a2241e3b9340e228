"""`scratchlm status`: how far a run is."""

from __future__ import annotations

from pathlib import Path

import click

from scratchlm.cli.options import print_table, runs_dir_option


@click.command("status", epilog="Example: scratchlm status laptop")
@click.argument("run")
@runs_dir_option
def command(run: str, runs_dir: Path) -> None:
    """Say how far RUN is, stage by stage, and what goes on with it now."""
    from scratchlm.pipeline.run_directory import find_run
    from scratchlm.pipeline.status import read_status

    status = read_status(find_run(runs_dir, run))
    click.echo(status.headline())
    print_table([row.cells() for row in status.stages])
    click.echo(status.advice())
