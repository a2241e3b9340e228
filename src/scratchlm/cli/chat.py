"""`scratchlm chat`: talk to a model in the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from scratchlm.cli.options import runs_dir_option
from scratchlm.cli.sampling import sampling_options

EPILOG = "Example: scratchlm chat laptop"


@click.command("chat", epilog=EPILOG)
@click.argument("model")
@click.option("--system", help="A message that opens the conversation.")
@click.option("--max-new-tokens", type=int, default=128, show_default=True)
@sampling_options
@runs_dir_option
def command(
    model: str,
    system: str | None,
    max_new_tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    seed: int,
    runs_dir: Path,
) -> None:
    """Talk to MODEL: a run, or the folder of a stage or a model.

    Without a terminal, each line of the input is a question.
    """
    from scratchlm.cli.sampling import build_sampling
    from scratchlm.pipeline.locate import locate_model, open_model
    from scratchlm.tokenizer import Tokenizer

    found = locate_model(model, runs_dir)
    sampling = build_sampling(temperature, top_k, top_p, seed)

    from scratchlm.serve import Conversation, chat_in_terminal

    conversation = Conversation(
        open_model(found),
        Tokenizer.load(found.tokenizer),
        sampling,
        max_new_tokens,
        system,
    )
    chat_in_terminal(conversation)
