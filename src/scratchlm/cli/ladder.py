"""`scratchlm ladder`: small models by compute, a law, a prediction, its proof."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scratchlm.cli.options import overrides_argument, runs_dir_option
from scratchlm.cli.trial_options import tokenizer_option, trial_out_option

EPILOG = """\b
Examples:
  scratchlm ladder laptop                  (rungs below the run's own model)
  scratchlm ladder laptop --seeds 2 --check
  scratchlm ladder build/data --rungs 2x32,2x48,3x64,4x80,5x96 --target 6x128
"""


@click.command("ladder", epilog=EPILOG)
@click.argument("reference", metavar="RUN|DATA")
@overrides_argument
@click.option(
    "--rungs", metavar="LxW,LxW,…", help="Layers x width of the small models."
)
@click.option("--target", metavar="LxW", help="The model to predict.  [the run's]")
@click.option(
    "--tokens-per-parameter",
    type=click.FloatRange(0, min_open=True),
    help="Of blocks and head, for all.  [the run's, or 20]",
)
@click.option(
    "--seeds",
    default=1,
    show_default=True,
    type=click.IntRange(1),
    help="Trials a rung.",
)
@click.option("--check", is_flag=True, help="Then train the target and compare.")
@click.option("--plan", "only_plan", is_flag=True, help="Only say what it would cost.")
@tokenizer_option
@trial_out_option("ladder")
@runs_dir_option
def command(
    reference: str, overrides: tuple[str, ...], rungs: str | None, target: str | None,
    tokens_per_parameter: float | None, seeds: int, check: bool, only_plan: bool,
    tokenizer: Path | None, out: Path | None, runs_dir: Path,
) -> None:  # fmt: skip
    """Predict a model's loss from smaller ones, with its interval.

    RUN gives style, training, data and the target; DATA is a folder of shards. The
    prediction is written before the target is trained. KEY=VALUE changes settings of
    the target; the rungs follow. Ctrl-C and run again: finished trials are kept.
    """
    from scratchlm.base.config import parse_overrides
    from scratchlm.base.progress import Progress
    from scratchlm.cli.trial_options import say_stopped
    from scratchlm.pipeline.ladder import check_ladder, climb_ladder
    from scratchlm.pipeline.ladder_plan import plan_ladder
    from scratchlm.pipeline.ladder_sheet import plan_table, write_ladder
    from scratchlm.pipeline.process import prepare_process
    from scratchlm.pipeline.run_directory import RunDirectory
    from scratchlm.pipeline.trial_base import find_base
    from scratchlm.pipeline.trial_shape import parse_shape, smaller_shapes
    from scratchlm.tokenizer.sheet import table_lines

    prepare_process()
    base = find_base(
        reference, runs_dir, parse_overrides(overrides), tokenizer=tokenizer
    )
    goal = parse_shape(target) if target else None
    shapes = [parse_shape(text) for text in rungs.split(",")] if rungs else None
    plan = plan_ladder(
        base, shapes or smaller_shapes(base.model, goal), goal,
        tokens_per_parameter=tokens_per_parameter, n_seeds=seeds,
    )  # fmt: skip
    folder, progress = out or Path("ladder") / base.name, Progress("ladder")
    for line in (*table_lines(plan_table(plan)), *plan.notes):
        progress.note(line)
    if only_plan:
        return
    with RunDirectory(folder).locked():
        try:
            found = climb_ladder(plan, folder, progress)
            write_ladder(found, folder)
            if check:
                found = check_ladder(found, folder, progress)
        except KeyboardInterrupt:
            say_stopped(progress)
            sys.exit(130)
        sheet = write_ladder(found, folder)
    progress.clear()
    click.echo(sheet.as_text(), nl=False)
    click.echo(f"written to {folder}: prediction.json, ladder.json, .html, .svg")
