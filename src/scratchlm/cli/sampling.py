"""Options that decide how the next token is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from scratchlm.generate import Sampling

OPTIONS = (
    click.option(
        "--temperature",
        type=float,
        default=0.0,
        show_default=True,
        help="0: always the most probable token.",
    ),
    click.option("--top-k", type=int, help="Only the k most probable tokens."),
    click.option("--top-p", type=float, help="Only the most probable share."),
    click.option("--seed", type=int, default=0, show_default=True),
)


def sampling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--temperature`, `--top-k`, `--top-p`, `--seed`."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def build_sampling(
    temperature: float, top_k: int | None, top_p: float | None, seed: int
) -> Sampling:
    """Check the options' values.

    Raises:
        UserError: a value out of its range.
    """
    from scratchlm.base.config import build_config
    from scratchlm.generate import Sampling

    values = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": seed}
    return build_config(Sampling, values, "sampling")
