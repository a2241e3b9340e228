"""`scratchlm doctor`: what this machine is and can train."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scratchlm.cli.options import overrides_argument, runs_dir_option

EPILOG = "Example: scratchlm doctor device=cuda dtype=bfloat16"


@click.command("doctor", epilog=EPILOG)
@overrides_argument
@click.option("--trial/--no-trial", default=True, help="Twenty training steps.")
@runs_dir_option
def command(overrides: tuple[str, ...], trial: bool, runs_dir: Path) -> None:
    """Look at this machine: what it has, what that means, what to install.

    KEY=VALUE chooses what is tried: device, dtype, threads, attention.
    """
    from scratchlm.base.config import build_config, parse_overrides
    from scratchlm.base.machine import MachineConfig
    from scratchlm.pipeline.doctor import examine
    from scratchlm.pipeline.process import prepare_process, wanted_threads

    prepare_process()
    said = parse_overrides(overrides)
    machine = None
    if said:
        values = {"threads": wanted_threads(), **said}
        machine = build_config(MachineConfig, values, "doctor")
    diagnosis = examine(machine, runs_dir, trial)
    for line in diagnosis.lines():
        click.echo(line)
    sys.exit(diagnosis.exit_code)
