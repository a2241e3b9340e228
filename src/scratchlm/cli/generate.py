"""`scratchlm generate`: continue a text."""

from __future__ import annotations

from pathlib import Path

import click

from scratchlm.cli.options import runs_dir_option
from scratchlm.cli.sampling import sampling_options

EPILOG = (
    'Example: scratchlm generate runs/laptop/train "def read(self" --temperature 0.8'
)


@click.command("generate", epilog=EPILOG)
@click.argument("model")
@click.argument("prompt")
@click.option("--max-new-tokens", type=int, default=128, show_default=True)
@sampling_options
@runs_dir_option
def command(
    model: str,
    prompt: str,
    max_new_tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    seed: int,
    runs_dir: Path,
) -> None:
    """Continue PROMPT with MODEL: a run, or a folder of a stage, model, checkpoint."""
    from scratchlm.cli.sampling import build_sampling
    from scratchlm.pipeline.locate import locate_model, open_model
    from scratchlm.tokenizer import StreamDecoder, Tokenizer

    found = locate_model(model, runs_dir)
    tokenizer = Tokenizer.load(found.tokenizer)
    sampling = build_sampling(temperature, top_k, top_p, seed)

    from scratchlm.generate import stream
    from scratchlm.generate.control import forbidden_ids

    decoder = StreamDecoder(tokenizer)
    end = tokenizer.endoftext_id
    ids = stream(
        open_model(found),
        [end, *tokenizer.encode(prompt)],
        max_new_tokens,
        (end,),
        sampling,
        forbidden_ids(tokenizer, (end,)),
    )
    click.echo(prompt, nl=False)
    for id in ids:
        click.echo(decoder.push(id), nl=False)
    click.echo(decoder.flush())
