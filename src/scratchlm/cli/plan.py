"""`scratchlm plan`: what a model size takes."""

from __future__ import annotations

import click

from scratchlm.cli.options import overrides_argument, print_table

EPILOG = "Example: scratchlm plan 7b gpus=8 tokens=1e12"


@click.command("plan", epilog=EPILOG)
@click.argument("preset", required=False)
@overrides_argument
def command(preset: str | None, overrides: tuple[str, ...]) -> None:
    """Estimate parameters, memory, time and cost of a model size.

    PRESET is a size by name (depth-6, gpt2-124m, 1b, 7b, 70b); without it the
    presets are listed. KEY=VALUE changes an assumption: gpus, gpu_memory_gib,
    tokens, zero_stage, dtype, optimizer, mfu_frac, price_per_gpu_hour …
    """
    from scratchlm.base.config import build_config, parse_overrides
    from scratchlm.plan import PlanConfig, plan, preset_names

    if preset is None:
        click.echo("\n".join(preset_names()))
        return
    values = {**parse_overrides(overrides), "preset": preset}
    made = plan(build_config(PlanConfig, values, "plan"))
    print_table([(row.name, row.text, row.reason) for row in made.rows], right=(1,))
