"""`scratchlm tokenizer report`, `compare`, `sweep`: what tokenizers make of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scratchlm.cli.tokenizer_train import (
    build_config_of,
    gather_counts,
    split_words,
    stopped_by_hand,
)

if TYPE_CHECKING:
    from scratchlm.tokenizer.sheet import Sheet

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def sheet_option(command: CommandT) -> CommandT:
    """`--out`: the file that the result is written to, beside the terminal."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Also write it: .html, .md, .json or (a drawing) .svg.",
    )(command)


def text_option(command: CommandT) -> CommandT:
    """`--text`: files to measure on."""
    return click.option(
        "--text",
        multiple=True,
        required=True,
        metavar="[NAME=]PATH",
        help="Files, folders, a corpus or a run, whose held-out documents are read.",
    )(command)


@click.command(
    "report",
    short_help="Say what it makes of text, what its vocabulary holds.",
    epilog="Example: scratchlm tokenizer report runs/laptop --text runs/laptop "
    "--against merges.txt --out report.html",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("more", nargs=-1, metavar="[PATH]...")
@click.option("--text", multiple=True, metavar="[NAME=]PATH", help="The same as PATH.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    help="Another tokenizer: a file of ours, tokenizer.json, .tiktoken, merges.txt.",
)
@sheet_option
def report(
    file: Path,
    more: tuple[str, ...],
    text: tuple[str, ...],
    against: Path | None,
    out: Path | None,
) -> None:
    """Say what a tokenizer makes of text, and what its vocabulary holds.

    FILE is a tokenizer, or a run; a run's held-out documents are read where no PATH is
    given. NAME=PATH names a source in the tables.
    """
    from scratchlm.base.progress import Progress
    from scratchlm.tokenizer.locate import load_any, name_of
    from scratchlm.tokenizer.report import build_report
    from scratchlm.tokenizer.sources import find_sources, read_documents

    _check_out(out)
    tokenizer, other = load_any(file), load_any(against) if against else None
    sources = find_sources([*text, *more] or [str(file)])
    progress = Progress("report")
    with stopped_by_hand(progress, "nothing was written"):
        found = build_report(
            tokenizer,
            read_documents(sources, progress),
            other,
            name_of(file),
            name_of(against) if against else "",
        )
    _show(found, out, progress)


@click.command(
    "compare",
    short_help="Hold tokenizers against the first, on the same texts.",
    epilog="Example: scratchlm tokenizer compare mine.json gpt2=merges.txt "
    "--text de=notes/",
)
@click.argument("files", nargs=-1, required=True, metavar="[NAME=]FILE...")
@text_option
@sheet_option
def compare(files: tuple[str, ...], text: tuple[str, ...], out: Path | None) -> None:
    """Hold tokenizers against the first: bytes per token, ratios, speed."""
    from scratchlm.base.progress import Progress
    from scratchlm.tokenizer.compare import compare_tokenizers
    from scratchlm.tokenizer.locate import load_named
    from scratchlm.tokenizer.sources import find_sources, read_documents

    _check_out(out)
    tokenizers, sources = load_named(files), find_sources(text)
    progress = Progress("compare")
    with stopped_by_hand(progress, "nothing was written"):
        found = compare_tokenizers(tokenizers, read_documents(sources, progress))
    _show(found, out, progress)


@click.command(
    "sweep",
    short_help="Bytes per token by size of the vocabulary.",
    epilog="Example: scratchlm tokenizer sweep notes/ --out sweep.html",
)
@click.argument("words", nargs=-1, metavar="[PATH]... [KEY=VALUE]...")
@click.option("--text", multiple=True, metavar="PATH", help="The same as PATH.")
@click.option(
    "--counts",
    multiple=True,
    metavar="FILE[:WEIGHT]",
    help="Train from saved counts; PATH is then text that was not counted.",
)
@click.option("--sizes", metavar="N,N,…", help="Sizes in ids; else 1,024 to 65,536.")
@sheet_option
def sweep(
    words: tuple[str, ...],
    text: tuple[str, ...],
    counts: tuple[str, ...],
    sizes: str | None,
    out: Path | None,
) -> None:
    """Show how many bytes a token holds at each size of the vocabulary.

    One document in five is held out and measured; of a corpus or a run, its own
    held-out documents. KEY=VALUE is a setting, as in training.
    """
    from scratchlm.base.progress import Progress
    from scratchlm.tokenizer.sources import find_sources, read_documents, read_part
    from scratchlm.tokenizer.sweep import SIZES, sweep_sizes
    from scratchlm.tokenizer.train import build_counts

    _check_out(out)
    wanted = _sizes(sizes) if sizes else SIZES
    paths, settings = split_words(words, text)
    config = build_config_of(settings, counts)
    progress = Progress("sweep")
    with stopped_by_hand(progress, "nothing was written"):
        if counts:
            counted = gather_counts(config, (), counts, None, None, progress)
            heldout = read_documents(find_sources(paths), progress)
        else:
            counted = build_counts(config)
            counted.add_texts(t for _, t in read_part(paths, "train", progress))
            heldout = read_part(paths, "heldout", progress)
        found = sweep_sizes(config, counted, heldout, wanted, progress)
    _show(found, out, progress)


def _show(sheet: Sheet, out: Path | None, progress: Any) -> None:
    from scratchlm.tokenizer.sheet import write_sheet

    progress.clear()
    click.echo(sheet.as_text(), nl=False)
    if out is not None:
        write_sheet(out, sheet)
        click.echo(f"written to {out}")


def _check_out(out: Path | None) -> None:
    if out is not None:
        from scratchlm.tokenizer.sheet import check_form

        check_form(out)


def _sizes(text: str) -> Sequence[int]:
    from scratchlm.base.errors import UserError

    try:
        return [int(word.replace("_", "")) for word in text.split(",")]
    except ValueError:
        raise UserError(f"{text!r} are no sizes; write them as 1024,4096") from None
