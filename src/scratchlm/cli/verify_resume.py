"""`scratchlm verify-resume`: prove that a killed run ends with the same bits."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scratchlm.cli.options import overrides_argument, runs_dir_option

EPILOG = """\b
Examples:
  scratchlm verify-resume laptop
  scratchlm verify-resume laptop model.dropout=0.1 machine.dtype=bfloat16 --kills 20
  scratchlm verify-resume runs/mine/recipe.toml
"""


@click.command("verify-resume", epilog=EPILOG)
@click.argument("target", metavar="RECIPE|RUN|FILE.toml")
@overrides_argument
@click.option(
    "--kills",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="How many times the training is killed.",
)
@click.option("--seed", type=int, help="Of the random moments.  [the clock's]")
@runs_dir_option
def command(
    target: str,
    overrides: tuple[str, ...],
    kills: int,
    seed: int | None,
    runs_dir: Path,
) -> None:
    """Train a recipe in small twice, once with SIGKILLs, and compare every bit.

    Kept are its block, dropout, optimizer, accumulation, packing, precision, threads;
    small are text, vocabulary, model and steps. KEY=VALUE sets anything.
    """
    import tempfile

    from scratchlm.base.config import parse_overrides
    from scratchlm.pipeline.process import prepare_process
    from scratchlm.pipeline.verify_resume import prove_resume

    prepare_process()
    with tempfile.TemporaryDirectory(prefix="scratchlm-verify-") as place:
        found = prove_resume(
            target,
            parse_overrides(overrides),
            runs_dir,
            Path(place),
            n_kills=kills,
            seed=seed,
            say=click.echo,
        )
    for line in found.lines():
        click.echo(line)
    if not found.holds:
        sys.exit(1)
