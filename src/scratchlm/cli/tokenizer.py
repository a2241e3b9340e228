"""`scratchlm tokenizer`: train one, or look into one."""

from __future__ import annotations

from pathlib import Path

import click

from scratchlm.cli.options import overrides_argument


@click.group(
    "tokenizer", epilog="Example: scratchlm tokenizer inspect runs/laptop/tokenizer"
)
def command() -> None:
    """Byte-level byte-pair encoding."""


@command.command(
    "train",
    epilog="Example: scratchlm tokenizer train runs/laptop/corpus --out t.json "
    "vocab_size=8192",
)
@click.argument("corpus", type=click.Path(path_type=Path, file_okay=False))
@overrides_argument
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def train(corpus: Path, overrides: tuple[str, ...], out: Path) -> None:
    """Train a tokenizer on the training documents of CORPUS."""
    from scratchlm.base.progress import Progress
    from scratchlm.corpus import Corpus
    from scratchlm.pipeline.request import draft_options, read_section
    from scratchlm.tokenizer import TokenizerConfig, train_tokenizer

    config = read_section(TokenizerConfig, draft_options(overrides), "tokenizer")
    texts = (document.text for document in Corpus(corpus).train_documents())
    tokenizer = train_tokenizer(config, texts, Progress("tokenizer"))
    tokenizer.save(out)
    click.echo(f"{tokenizer.vocab_size:,} entries, written to {out}")


@command.command(
    "inspect",
    epilog='Example: scratchlm tokenizer inspect runs/laptop/tokenizer "import os"',
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("text", required=False)
def inspect(file: Path, text: str | None) -> None:
    """Show a tokenizer, and how it cuts TEXT."""
    from scratchlm.tokenizer import SPECIAL_TOKENS, Tokenizer

    path = file / "tokenizer.json" if file.is_dir() else file
    tokenizer = Tokenizer.load(path)
    if text is None:
        n_merges = len(tokenizer.merges)
        click.echo(f"{tokenizer.vocab_size:,} entries: 256 bytes, {n_merges:,} merges,")
        click.echo(f"{len(SPECIAL_TOKENS)} control tokens; {tokenizer.fingerprint}")
        return
    ids = tokenizer.encode(text)
    pieces = [tokenizer.token_bytes(id).decode(errors="backslashreplace") for id in ids]
    click.echo(
        " ".join(f"{id}:{piece!r}" for id, piece in zip(ids, pieces, strict=True))
    )
    click.echo(
        f"{len(ids)} tokens, {len(text.encode()) / max(len(ids), 1):.2f} bytes each"
    )
