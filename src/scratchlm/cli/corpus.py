"""`scratchlm corpus`: build a corpus, or look into one."""

from __future__ import annotations

import json
from pathlib import Path

import click

from scratchlm.cli.options import out_option, overrides_argument


@click.group("corpus", epilog="Example: scratchlm corpus stats runs/laptop/corpus")
def command() -> None:
    """Collect, clean, deduplicate, hold out, ask."""


@command.command(
    "build", epilog="Example: scratchlm corpus build --text ~/notes --out build/corpus"
)
@overrides_argument
@click.option("--text", multiple=True, type=click.Path(), help="Files or folders.")
@out_option
def build(overrides: tuple[str, ...], text: tuple[str, ...], out: Path) -> None:
    """Build a corpus: the standard library's, or that of your own text.

    KEY=VALUE changes a setting, as in heldout_frac=0.1.
    """
    from scratchlm.base.progress import Progress
    from scratchlm.corpus import CorpusConfig, build_corpus
    from scratchlm.pipeline.request import draft_options, read_section

    draft = draft_options(overrides, text=tuple(map(Path, text)))
    config = read_section(CorpusConfig, draft, "corpus")
    corpus = build_corpus(config, out, Progress("corpus"))
    train, heldout = corpus.receipt["train"], corpus.receipt["heldout"]
    click.echo(
        f"{train['n_documents']:,} documents to learn from, "
        f"{heldout['n_documents']:,} held out, written to {out}"
    )


@command.command(
    "inspect", epilog="Example: scratchlm corpus inspect runs/laptop/corpus -n 2"
)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("-n", "number", type=int, default=3, show_default=True)
@click.option(
    "--what",
    type=click.Choice(["train", "heldout", "conversations", "preferences"]),
    default="train",
    show_default=True,
)
def inspect(directory: Path, number: int, what: str) -> None:
    """Show the first rows of a corpus, as they are."""
    from itertools import islice

    from scratchlm.corpus import read_rows

    for row in islice(read_rows(directory / f"{what}.jsonl"), number):
        click.echo(json.dumps(row, indent=1, ensure_ascii=False))


@command.command("stats", epilog="Example: scratchlm corpus stats runs/laptop/corpus")
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def stats(directory: Path) -> None:
    """Count what stands in a corpus."""
    from scratchlm.corpus import corpus_stats

    click.echo(json.dumps(corpus_stats(directory), indent=1, ensure_ascii=False))
