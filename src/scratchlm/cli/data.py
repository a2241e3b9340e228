"""`scratchlm data`: encode a corpus into shards, or look through shards."""

from __future__ import annotations

import json
from pathlib import Path

import click

from scratchlm.cli.options import out_option, overrides_argument

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(
    "data", epilog="Example: scratchlm data build corpus --tokenizer t.json --out data"
)
def command() -> None:
    """Encode a corpus into shards of ids, or look through them."""


@command.command(
    "build",
    epilog="Example: scratchlm data build corpus --tokenizer t.json --out data",
)
@click.argument("corpus", type=FOLDER)
@overrides_argument
@click.option("--tokenizer", "tokenizer_file", type=FILE, required=True, help="Ids.")
@click.option("--threads", type=click.IntRange(1), help="Else one a core.")
@out_option
def build(
    corpus: Path,
    overrides: tuple[str, ...],
    tokenizer_file: Path,
    threads: int | None,
    out: Path,
) -> None:
    """Encode both sides of a corpus; the same command goes on where one was killed."""
    from scratchlm.base.config import build_config, parse_overrides
    from scratchlm.base.hashing import sha256_json
    from scratchlm.base.progress import Progress
    from scratchlm.base.units import format_count
    from scratchlm.corpus import Corpus
    from scratchlm.data import DataConfig, ParquetTexts, build_shards
    from scratchlm.data.store import read_index
    from scratchlm.tokenizer import Tokenizer

    config = build_config(DataConfig, parse_overrides(overrides), "data")
    source = Corpus.open(corpus)
    hashes = source.manifest["files"]
    texts = {}
    for side in ("train", "heldout"):
        parts = source.parts(side)
        names = [part.relative_to(corpus).as_posix() for part in parts]
        known = sha256_json([hashes[name] for name in names])
        texts[side] = ParquetTexts(parts, fingerprint=known)
    tokenizer = Tokenizer.load(tokenizer_file)
    build_shards(config, texts, tokenizer, out, Progress("data"), threads=threads)
    for name, split in read_index(out)["splits"].items():
        tokens, size = split["n_tokens"], split["n_bytes"]
        click.echo(
            f"{name}: {format_count(tokens)} tokens of {size / max(tokens, 1):.2f} "
            f"bytes, {split['n_documents']:,} documents"
        )


@command.command(
    "doctor", epilog="Example: scratchlm data doctor data --tokenizer t.json"
)
@click.argument("directory", type=FOLDER)
@click.option("--tokenizer", "tokenizer_file", type=FILE, help="Also judge the ids.")
@click.option("--context-length", type=click.IntRange(2), help="Also plan packing.")
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
def doctor(
    directory: Path,
    tokenizer_file: Path | None,
    context_length: int | None,
    as_json: bool,
) -> int:
    """Read shards whole: checksums, ids, padding, samples. Status 1 if damaged."""
    from scratchlm.data import inspect_data
    from scratchlm.tokenizer import Tokenizer

    tokenizer = None if tokenizer_file is None else Tokenizer.load(tokenizer_file)
    report = inspect_data(directory, tokenizer, context_length=context_length)
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=1, ensure_ascii=False))
    else:
        for line in report.lines():
            click.echo(line)
    return 1 if report.problems else 0
