"""`scratchlm report`: one HTML page about a run."""

from __future__ import annotations

from pathlib import Path

import click

from scratchlm.cli.options import runs_dir_option


@click.command("report", epilog="Example: scratchlm report laptop")
@click.argument("run")
@runs_dir_option
def command(run: str, runs_dir: Path) -> None:
    """Write the report of RUN: curves, samples, receipts, how to repeat it."""
    from scratchlm.pipeline.report import write_report
    from scratchlm.pipeline.run_directory import find_run

    click.echo(write_report(find_run(runs_dir, run).path))
