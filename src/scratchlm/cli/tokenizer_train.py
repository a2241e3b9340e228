"""`scratchlm tokenizer train` and `count`: from files or counts to a vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from scratchlm.tokenizer import TokenizerConfig, WordCounts

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

FILE = click.Path(path_type=Path, dir_okay=False)


def text_options(command: CommandT) -> CommandT:
    """Files to read, and how much memory and how many threads that may take."""
    options = (
        click.argument("words", nargs=-1, metavar="[PATH]... [KEY=VALUE]..."),
        click.option(
            "--text", multiple=True, metavar="PATH",
            help="The same as PATH: files, folders, a corpus or a run.",
        ),
        click.option("--memory", metavar="SIZE", help="Counts stay within, as 512MB."),
        click.option("--threads", type=click.IntRange(1), help="Else one a core."),
    )  # fmt: skip
    for decorate in reversed(options):
        command = decorate(command)
    return command


@click.command(
    "train",
    short_help="Train a tokenizer on text, or from counts.",
    epilog="""\b
Examples:
  scratchlm tokenizer train notes/ --out t.json vocab_size=32768
  scratchlm tokenizer train --counts a.counts:2 --counts b.counts --out t.json
  scratchlm tokenizer train runs/laptop --extend old.json --out new.json""",
)
@text_options
@click.option("--out", type=FILE, required=True, help="File to write.")
@click.option(
    "--save-counts", type=FILE, help="Keep the counts: train again from them."
)
@click.option(
    "--counts",
    multiple=True,
    metavar="FILE[:WEIGHT]",
    help="Train from saved counts; several are added, each times its weight.",
)
@click.option(
    "--extend",
    type=click.Path(path_type=Path),
    help="Begin with the merges of this tokenizer, and learn more.",
)
def train(
    words: tuple[str, ...], text: tuple[str, ...], memory: str | None,
    threads: int | None, out: Path, save_counts: Path | None, counts: tuple[str, ...],
    extend: Path | None,
) -> None:  # fmt: skip
    """Train a tokenizer on text, or from counts.

    KEY=VALUE is a setting: vocab_size=32768, pattern=llama3, kind=wordpiece,
    min_frequency=2, max_token_bytes=32. Where a run or a corpus is named, its training
    documents are read.
    """
    from scratchlm.base.progress import Progress
    from scratchlm.tokenizer.train import train_from_counts

    paths, settings = split_words(words, text)
    merges, config = _begin(extend, build_config_of(settings, counts))
    progress = Progress("tokenizer")
    with stopped_by_hand(progress, "nothing was written"):
        counted = gather_counts(config, paths, counts, memory, threads, progress)
    if save_counts is not None:
        counted.save(save_counts)
        progress.note(f"counts written to {save_counts}")
    kept = f"; go on with --counts {save_counts}" if save_counts else ""
    with stopped_by_hand(progress, f"{out} was not written{kept}"):
        tokenizer = train_from_counts(config, counted, merges, progress)
    tokenizer.save(out)
    progress.clear()
    click.echo(f"{tokenizer.vocab_size:,} entries, written to {out}")


@click.command(
    "count",
    short_help="Count text once, for any vocabulary.",
    epilog="Example: scratchlm tokenizer count books/ --memory 512MB --out b.counts",
)
@text_options
@click.option("--out", type=FILE, required=True, help="File to write.")
def count(
    words: tuple[str, ...], text: tuple[str, ...], memory: str | None,
    threads: int | None, out: Path,
) -> None:  # fmt: skip
    """Count the pieces of text once; train any vocabulary from the counts.

    KEY=VALUE is a setting of how texts are split: pattern=llama3, kind=bpe.
    """
    from scratchlm.base.progress import Progress
    from scratchlm.base.units import format_bytes

    paths, settings = split_words(words, text)
    config = build_config_of(settings, ())
    progress = Progress("counting")
    with stopped_by_hand(progress, "nothing was written"):
        counted = gather_counts(config, paths, (), memory, threads, progress)
        counted.save(out)
    progress.clear()
    click.echo(
        f"{counted.n_pieces:,} different pieces in {format_bytes(counted.n_bytes)}, "
        f"written to {out}"
    )


def split_words(
    words: Sequence[str], text: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Tell paths from settings: a setting is KEY=VALUE of a key, or of no path."""
    from scratchlm.tokenizer.train import TokenizerConfig

    def is_setting(word: str) -> bool:
        key, equals, value = word.partition("=")
        if not equals or Path(word).exists():
            return False
        known = key.removeprefix("tokenizer.") in TokenizerConfig.model_fields
        return known or not Path(value).exists()

    settings = [word for word in words if is_setting(word)]
    paths = [word for word in words if word not in settings]
    return [*text, *paths], settings


def build_config_of(settings: Sequence[str], counts: Sequence[str]) -> TokenizerConfig:
    """The settings; a pattern that is not said is that of the counts."""
    from scratchlm.pipeline.request import draft_options, read_section
    from scratchlm.tokenizer.counts import WordCounts
    from scratchlm.tokenizer.train import TokenizerConfig

    draft = draft_options(settings)
    config = read_section(TokenizerConfig, draft, "tokenizer")
    if counts and "pattern" not in config.model_fields_set and config.kind == "bpe":
        pattern = WordCounts.load(_weighted(counts[0])[0]).pattern
        return config.model_copy(update={"pattern": pattern})
    return config


def gather_counts(
    config: TokenizerConfig,
    paths: Sequence[str],
    counts: Sequence[str],
    memory: str | None,
    threads: int | None,
    progress: Any,
) -> WordCounts:
    """Count files, or add saved counts, or both.

    Raises:
        UserError: neither was given.
    """
    from scratchlm.base.errors import UserError
    from scratchlm.base.units import parse_bytes
    from scratchlm.tokenizer.counts import WordCounts
    from scratchlm.tokenizer.sources import count_sources, find_sources
    from scratchlm.tokenizer.train import build_counts

    if not paths and not counts:
        raise UserError("there is nothing to count: name files, a folder, or --counts")
    parts = [(WordCounts.load(path), weight) for path, weight in map(_weighted, counts)]
    if paths:
        limit = parse_bytes(memory) if memory else None
        fresh = build_counts(config, memory_bytes=limit, threads=threads)
        count_sources(fresh, find_sources(paths, "train"), progress)
        parts.append((fresh, 1.0))
    if len(parts) == 1 and parts[0][1] == 1:
        return parts[0][0]
    return WordCounts.merged(parts)


@contextmanager
def stopped_by_hand(progress: Any, what: str) -> Iterator[None]:
    """Say what Ctrl-C leaves behind."""
    try:
        yield
    except KeyboardInterrupt:
        progress.note(f"stopped: {what}")
        raise


def _weighted(word: str) -> tuple[Path, float]:
    """FILE or FILE:WEIGHT."""
    from scratchlm.base.errors import UserError

    name, colon, weight = word.rpartition(":")
    if not colon or Path(word).exists():
        return Path(word), 1.0
    try:
        return Path(name), float(weight)
    except ValueError:
        raise UserError(
            f"{word} is no file, and {weight!r} no weight; write FILE or FILE:2.5"
        ) from None


def _begin(
    extend: Path | None, config: TokenizerConfig
) -> tuple[tuple[tuple[int, int], ...], TokenizerConfig]:
    """Merges to begin with; their pattern is taken where none is said."""
    if extend is None:
        return (), config
    from scratchlm.base.errors import UserError
    from scratchlm.tokenizer.extend import merges_to_extend
    from scratchlm.tokenizer.locate import load_any

    old = load_any(extend)
    pattern = old.bpe.pattern
    if "pattern" in config.model_fields_set and config.pattern != pattern:
        raise UserError(
            f"{extend} splits texts by {pattern}: a vocabulary cannot be extended with "
            f"pattern={config.pattern}"
        )
    return merges_to_extend(old), config.model_copy(update={"pattern": pattern})
