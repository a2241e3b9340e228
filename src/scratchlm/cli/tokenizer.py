"""`scratchlm tokenizer`: train one, look into one, carry one to and from elsewhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from scratchlm.cli.tokenizer_lab import compare, report, sweep
from scratchlm.cli.tokenizer_train import count, train

if TYPE_CHECKING:
    from scratchlm.tokenizer.chat_templates import TemplateName
    from scratchlm.tokenizer.pattern import PatternName


@click.group(
    "tokenizer", epilog="Example: scratchlm tokenizer inspect runs/laptop/tokenizer"
)
def command() -> None:
    """Text to ids: train, measure, compare, look into, carry elsewhere."""


for verb in (train, count, report, compare, sweep):
    command.add_command(verb)


@command.command(
    "inspect",
    short_help="Show a tokenizer, and how it cuts a text.",
    epilog='Example: scratchlm tokenizer inspect runs/laptop "import os"',
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("text", required=False)
def inspect(file: Path, text: str | None) -> None:
    """Show a tokenizer, and how it cuts TEXT ("-" reads it from a pipe).

    On a terminal the tokens are coloured; bars and ids say the same everywhere.
    """
    from scratchlm.tokenizer import inspect as pieces_of
    from scratchlm.tokenizer.locate import load_any

    tokenizer = load_any(file)
    if text is None:
        lines = pieces_of.describe_lines(tokenizer)
    else:
        text = sys.stdin.read() if text == "-" else text
        pieces = pieces_of.inspect_text(tokenizer, text)
        colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        lines = [
            *pieces_of.pieces_lines(pieces, colour),
            *pieces_of.ids_lines(pieces),
            pieces_of.summary_line(pieces, text),
        ]
    for line in lines:
        click.echo(line)


@command.command(
    "export",
    short_help="Write it for other programs, each form proved.",
    epilog="Example: scratchlm tokenizer export runs/laptop --out exported "
    "--format huggingface",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write to; each form gets a folder in it.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["huggingface", "tiktoken", "gguf"]),
    help="Which form; several are allowed, without any all that can hold it.",
)
@click.option(
    "--template",
    type=click.Choice(["scratchlm", "chatml", "llama3"]),
    help="Chat template; else the first that the vocabulary can write.",
)
@click.option(
    "--strings", type=click.IntRange(1), default=2000, show_default=True,
    help="Strings whose ids are compared with the files read back.",
)  # fmt: skip
def export(
    file: Path, out: Path, formats: tuple[str, ...], template: str | None, strings: int
) -> None:
    """Write a tokenizer for other programs, each form read back and compared."""
    from scratchlm.base.errors import UserError
    from scratchlm.tokenizer.exported import FORMATS, export_tokenizer
    from scratchlm.tokenizer.locate import load_any

    tokenizer = load_any(file)
    wanted = [name for name in FORMATS if not formats or name in formats]
    chosen = cast("TemplateName | None", template)
    refused = 0
    for name in wanted:
        try:
            found = export_tokenizer(
                tokenizer, out, [name], template=chosen, n_strings=strings
            )
        except UserError as error:
            refused += 1
            if formats or refused == len(wanted):
                raise
            click.echo(f"{name}: not written: {error}")
            continue
        click.echo(f"{name}: {_proof(found[name])}, written to {out / name}")


@command.command(
    "import",
    short_help="Read another program's tokenizer.",
    epilog="Example: scratchlm tokenizer import merges.txt --out gpt2.json",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--pattern", help="How texts are split, where the file does not say.")
def import_(file: Path, out: Path, pattern: str | None) -> None:
    """Read another program's tokenizer and write it in our form.

    FILE is a tokenizer.json, a .tiktoken file, GPT-2's merges.txt, or their folder.
    """
    from scratchlm.tokenizer.imported import import_tokenizer
    from scratchlm.tokenizer.inspect import describe_lines

    tokenizer = import_tokenizer(file, cast("PatternName | None", pattern))
    tokenizer.save(out)
    for line in (*describe_lines(tokenizer), f"written to {out}"):
        click.echo(line)


def _proof(report: dict[str, object]) -> str:
    if "why" in report:
        return str(report["why"])
    return f"{report['n_strings']} strings have the same ids by {report['library']}"
