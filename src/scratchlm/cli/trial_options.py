"""Options and words that the verbs of trials share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from scratchlm.base.progress import Progress

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def tokenizer_option(command: CommandT) -> CommandT:
    """`--tokenizer`: of bare shards."""
    return click.option(
        "--tokenizer",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="File of the tokenizer that made DATA.",
    )(command)


def trial_out_option(verb: str) -> Callable[[CommandT], CommandT]:
    """`--out`: where the trials of a verb stand."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        help=f"Folder of the trials.  [{verb}/NAME]",
    )


def say_stopped(progress: Progress, done: int = 0, total: int = 0) -> None:
    """Say what Ctrl-C leaves behind."""
    far = f" after {done} of {total} trials" if total else ""
    progress.note(f"stopped{far}; the same command goes on where this one ended")
