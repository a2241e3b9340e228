"""`scratchlm ablate`: switches × seeds at equal tokens, against a baseline."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scratchlm.cli.options import overrides_argument, runs_dir_option
from scratchlm.cli.trial_options import tokenizer_option, trial_out_option

EPILOG = """\b
Examples:
  scratchlm ablate laptop --vary model.mlp=swiglu,relu2 --tokens 2M
  scratchlm ablate laptop --vary train.matrix_lr=0.01,0.02,0.04 --seeds 5
  scratchlm ablate build/data --shape 4x64 --vary model.tied=true
  scratchlm ablate laptop --with "model.mlp=gelu model.bias=true"
"""


@click.command("ablate", epilog=EPILOG)
@click.argument("reference", metavar="RUN|DATA")
@overrides_argument
@click.option("--vary", multiple=True, metavar="KEY=V,V", help="A variant a value.")
@click.option(
    "--with",
    "together",
    multiple=True,
    metavar="'KEY=V KEY=V'",
    help="One variant of several settings.",
)
@click.option("--grid", is_flag=True, help="All combinations of the --vary values.")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--tokens", default="1M", show_default=True, help="Of each trial.")
@click.option("--shape", metavar="LAYERSxWIDTH", help="Another size of the model.")
@tokenizer_option
@trial_out_option("ablate")
@runs_dir_option
def command(
    reference: str, overrides: tuple[str, ...], vary: tuple[str, ...],
    together: tuple[str, ...], grid: bool, seeds: int, tokens: str,
    shape: str | None, tokenizer: Path | None, out: Path | None, runs_dir: Path,
) -> None:  # fmt: skip
    """Hold switches against a baseline: equal tokens, the same seeds.

    RUN gives model, training and data; DATA is a folder of shards. KEY=VALUE changes
    the baseline itself. A variant's difference is taken seed by seed and shown with its
    95 % interval. Ctrl-C and run again: finished trials are kept.
    """
    from scratchlm.base.config import parse_overrides
    from scratchlm.base.progress import Progress
    from scratchlm.cli.trial_options import say_stopped
    from scratchlm.pipeline.ablate import collect_ablation, plan_ablation, run_ablation
    from scratchlm.pipeline.ablate_sheet import write_ablation
    from scratchlm.pipeline.process import prepare_process
    from scratchlm.pipeline.run_directory import RunDirectory
    from scratchlm.pipeline.trial_base import find_base, parse_tokens
    from scratchlm.pipeline.variants import read_variants

    prepare_process()
    variants = read_variants(vary, together, grid)
    said = parse_overrides(overrides)
    base = find_base(reference, runs_dir, said, shape=shape, tokenizer=tokenizer)
    plan = plan_ablation(base, variants, parse_tokens(tokens), seeds)
    folder = out or Path("ablate") / base.name
    progress = Progress("ablate")
    progress.note(
        f"{len(plan.trials)} trials of {plan.flops / len(plan.trials):.1e} FLOP "
        f"in {folder}"
    )
    with RunDirectory(folder).locked():
        try:
            found = run_ablation(plan, folder, progress)
        except KeyboardInterrupt:
            found = collect_ablation(plan, folder)
            write_ablation(found, folder)
            say_stopped(progress, found.n_done, len(plan.trials))
            sys.exit(130)
        sheet = write_ablation(found, folder)
    progress.clear()
    click.echo(sheet.as_text(), nl=False)
    click.echo(f"written to {folder}: ablation.json, ablation.html, ablation.svg")
