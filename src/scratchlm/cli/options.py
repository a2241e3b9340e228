"""Options and columns that several verbs share."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

WIDTH = 80
LEAST_COLUMN = 24

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def runs_dir_option(command: CommandT) -> CommandT:
    """`--runs-dir`: where runs stand."""
    return click.option(
        "--runs-dir",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="SCRATCHLM_RUNS",
        default="runs",
        show_default=True,
        help="Folder of the runs.",
    )(command)


def out_option(command: CommandT) -> CommandT:
    """`--out`: the folder to write to."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        required=True,
        help="Folder to write to.",
    )(command)


def change_options(command: CommandT) -> CommandT:
    """`--accept-changes` and `--restart`: what to do where conditions have changed."""
    accept = click.option(
        "--accept-changes",
        "on_change",
        flag_value="accept",
        help="Continue an interrupted training under changed conditions.",
    )
    restart = click.option(
        "--restart",
        "on_change",
        flag_value="restart",
        help="Give up the checkpoints of an interrupted training, begin it anew.",
    )
    refuse = click.option(
        "--refuse-changes",
        "on_change",
        flag_value="refuse",
        default="refuse",
        hidden=True,
    )
    return accept(restart(refuse(command)))


def track_option(command: CommandT) -> CommandT:
    """`--track`: trackers beside `metrics.jsonl`."""
    return click.option(
        "--track",
        multiple=True,
        type=click.Choice(["tensorboard", "wandb", "trackio"]),
        help="Send the numbers of pretraining to a tracker too (offline). Repeatable.",
    )(command)


def track_overrides(track: Sequence[str]) -> list[str]:
    """The setting that `--track` stands for, as overrides."""
    names = ", ".join(f'"{name}"' for name in track)
    return [f"train.tracking.sinks=[{names}]"] if track else []


def overrides_argument(command: CommandT) -> CommandT:
    """`a.b=value …`: settings of the recipe."""
    return click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")(command)


def print_table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print rows in columns; those named in `right` are set flush right.

    The last column is wrapped where a line would be wider than a page.
    """
    if not rows:
        return
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        before = "  ".join([*cells[:-1], ""])
        width = max(WIDTH - len(before), LEAST_COLUMN)
        first, *more = textwrap.wrap(cells[-1], width) or [""]
        click.echo((before + (cells[-1] if not more else first)).rstrip())
        for line in more:
            click.echo(" " * len(before) + line)
