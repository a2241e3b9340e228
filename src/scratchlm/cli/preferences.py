"""`scratchlm preferences`: pairs of a right and a wrong answer."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from scratchlm.cli.options import overrides_argument

EPILOG = (
    "Example: scratchlm preferences build runs/laptop/corpus --out pairs.jsonl seed=1"
)


@click.group("preferences", epilog=EPILOG)
def command() -> None:
    """Preference pairs."""


@command.command("build", epilog=EPILOG)
@click.argument("corpus", type=click.Path(path_type=Path, file_okay=False))
@overrides_argument
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def build(corpus: Path, overrides: tuple[str, ...], out: Path) -> None:
    """Build preference pairs from the documents of CORPUS: hard, truncated, off topic.

    The file is one that `scratchlm run --preferences` takes.
    """
    from scratchlm.corpus import Corpus, CorpusConfig
    from scratchlm.corpus.conversations import build_chat_rows
    from scratchlm.corpus.rows import write_rows
    from scratchlm.pipeline.request import draft_options, read_section

    source = Corpus(corpus)
    draft = {"source": source.receipt["source"], **draft_options(overrides)}
    config = read_section(CorpusConfig, draft, "corpus")
    documents = list(source.train_documents()), list(source.heldout_documents())
    rows = build_chat_rows(config, *documents).preferences
    write_rows(out, rows)
    kinds = Counter(f"{row['split']} {row['kind']}" for row in rows)
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
    click.echo(f"{counts or 'no pairs'}, written to {out}")
