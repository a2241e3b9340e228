"""`scratchlm corpus`: build a corpus, try a build on a sample, look into one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from scratchlm.cli.options import out_option, print_table

if TYPE_CHECKING:
    from scratchlm.corpus import CorpusConfig
    from scratchlm.corpus.options import BuildOptions

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
FOLDER = click.Path(path_type=Path, file_okay=False)
WORDS = "[CONFIG.toml] [PATH]... [KEY=VALUE]..."
REMOTE = ("urls:", "://")


@click.group("corpus", epilog="Example: scratchlm corpus build ~/notes --out corpus")
def command() -> None:
    """Collect, extract, clean, deduplicate, decontaminate, mix, hold out."""


def source_options(command: CommandT) -> CommandT:
    """What is read, and with how much."""
    options = (
        click.argument("words", nargs=-1, metavar=WORDS),
        click.option("--text", multiple=True, metavar="PATH", help="The same as PATH."),
        click.option("--memory", default="2GB", show_default=True, metavar="SIZE",
                     help="What the work may use in all."),
        click.option("--workers", type=click.IntRange(1), help="Else one a core."),
        click.option("--on", default="local", show_default=True, metavar="PLACE",
                     help="local, ray, or ray:ADDRESS of a cluster."),
    )  # fmt: skip
    for decorate in reversed(options):
        command = decorate(command)
    return command


@command.command(
    "build",
    epilog="""\b
Examples:
  scratchlm corpus build ~/notes book.epub --out corpus
  scratchlm corpus build crawl.warc.gz filters.preset=fineweb --out corpus
  scratchlm corpus build web.toml --on ray:auto --memory 64GB --out /share/corpus

PATH is a file, a folder, an archive, a URL that fsspec knows, urls:LIST, a dataset
hf://datasets/OWNER/NAME, or stdlib. The same command goes on after an interruption,
and with one more file reads that one.""",
)
@source_options
@out_option
@click.option("--work", type=FOLDER, help="Finished tasks; else OUT.work.")
@click.option("--ask/--no-ask", default=False, help="Also build conversations.")
def build(
    words: tuple[str, ...],
    text: tuple[str, ...],
    memory: str,
    workers: int | None,
    on: str,
    out: Path,
    work: Path | None,
    ask: bool,
) -> None:
    """Build a corpus of text, from whatever holds it."""
    from scratchlm.base.progress import Progress
    from scratchlm.corpus import build_corpus

    config = read_config([*words, *text], {"ask": ask})
    options = build_options(memory, workers, on, work)
    progress = Progress("corpus")
    try:
        corpus = build_corpus(config, out, progress, options)
    except KeyboardInterrupt:
        progress.note("interrupted; the same command goes on where this one was")
        raise
    finally:
        progress.clear()
    receipt = corpus.receipt
    print_steps(receipt["steps"])
    for warning in receipt.get("assign", {}).get("warnings", ()):
        click.echo(f"warning: {warning}")
    click.echo(
        f"{describe_side(receipt['train'])} to learn from, "
        f"{describe_side(receipt['heldout'])} held out, written to {out}; "
        f"see {out}/report.html"
    )


@command.command(
    "inspect",
    epilog="Example: scratchlm corpus inspect crawl/ filters.preset=fineweb",
)
@source_options
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.01,
    show_default=True,
    help="Share of the input to look at, at least 4 MB.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
def inspect(
    words: tuple[str, ...],
    text: tuple[str, ...],
    memory: str,
    workers: int | None,
    on: str,
    share: float,
    as_json: bool,
) -> None:
    """Show what a build would do, from a sample, and how long it would take."""
    from scratchlm.base.progress import Progress
    from scratchlm.base.units import format_bytes, format_count, format_duration
    from scratchlm.corpus.sample import inspect_sources

    config = read_config([*words, *text], {"ask": False})
    options = build_options(memory, workers, on, None)
    progress = Progress("inspect")
    try:
        seen = inspect_sources(config, share, options, progress)
    finally:
        progress.clear()
    if as_json:
        click.echo(json.dumps(seen, indent=1, ensure_ascii=False))
        return
    print_steps(seen["steps"])
    estimate = seen["estimate"]
    click.echo(
        f"looked at {seen['share']:.2%} of {format_bytes(seen['input']['n_bytes'])}; "
        f"of all of it about {format_count(estimate['n_documents'])} documents with "
        f"{format_bytes(estimate['n_bytes'])} would stay, after about "
        f"{format_duration(seen['estimated_s'])} (duplicates are rarer in a sample)"
    )


@command.command("stats", epilog="Example: scratchlm corpus stats runs/laptop/corpus")
@click.argument("directory", type=FOLDER)
@click.option("--rows", type=click.IntRange(0), default=0, help="Also show so many.")
@click.option(
    "--what",
    type=click.Choice(["train", "heldout", "removed", "conversations", "preferences"]),
    default="train",
    show_default=True,
    help="Which rows.",
)
@click.option("--verify", is_flag=True, help="Compare every file with its hash.")
@click.option("--clusters", type=click.IntRange(1), help="The largest near-duplicates.")
@click.option("--open", "opened", metavar="ID", help="The cluster of a document.")
@click.option("--work", type=FOLDER, help="Finished tasks; else DIRECTORY.work.")
def stats(
    directory: Path,
    rows: int,
    what: str,
    verify: bool,
    clusters: int | None,
    opened: str | None,
    work: Path | None,
) -> None:
    """Count what stands in a corpus; show rows, or clusters of near-duplicates."""
    from scratchlm.corpus import Corpus, corpus_stats
    from scratchlm.corpus.options import work_beside
    from scratchlm.corpus.stats import first_rows

    corpus = Corpus.open(directory)
    if clusters is not None or opened is not None:
        show_clusters(work or work_beside(directory), clusters, opened)
        return
    if verify:
        corpus.verify()
        n_files = len(corpus.manifest["files"])
        click.echo(f"all {n_files} files are as they were written", err=True)
    click.echo(json.dumps(corpus_stats(corpus), indent=1, ensure_ascii=False))
    for row in first_rows(corpus, what, rows):
        click.echo(json.dumps(row, indent=1, ensure_ascii=False))


@command.command("diff", epilog="Example: scratchlm corpus diff corpus-1 corpus-2")
@click.argument("left", type=FOLDER)
@click.argument("right", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
def diff(left: Path, right: Path, as_json: bool) -> None:
    """Show what differs between two corpora: settings, inputs, steps, documents."""
    from scratchlm.corpus import Corpus
    from scratchlm.corpus.compare import diff_corpora

    found = diff_corpora(Corpus.open(left), Corpus.open(right))
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for name, (before, after) in found["settings"].items():
        click.echo(f"setting {name}: {show_value(before)} → {show_value(after)}")
    for name, (before, after) in found["inputs"].items():
        what = "changed" if before and after else "is new" if after else "is gone"
        click.echo(f"the input of source {name} {what}")
    for name, (before, after) in found["steps"].items():
        click.echo(f"step {name}: {show_value(before)} → {show_value(after)}")
    if not any(found[part] for part in ("settings", "inputs", "steps")):
        click.echo("settings, inputs and steps are the same")
    for side, counts in found["documents"].items():
        print_documents(side, counts)


def describe_side(counts: Mapping[str, int]) -> str:
    """`1,203 documents (6.48 MB)`."""
    from scratchlm.base.units import format_bytes

    number = counts["n_documents"]
    what = "document" if number == 1 else "documents"
    return f"{number:,} {what} ({format_bytes(counts['n_bytes'])})"


def show_value(value: Any) -> str:
    """A value of a receipt or setting on one short line."""
    if isinstance(value, Mapping):
        pairs = (f"{name} {show_value(inner)}" for name, inner in value.items())
        return ", ".join(pairs) or "none"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "none" if value is None else str(value)


def show_clusters(work: Path, most: int | None, document_id: str | None) -> None:
    """Name the largest clusters, or show one with what differs."""
    from scratchlm.corpus.clusters import Clusters
    from scratchlm.corpus.dedup.near_show import show_cluster

    found = Clusters(work)
    for source, kept, count in found.largest(most) if most else ():
        click.echo(f"{count:,} went because of {kept} ({source})")
    if document_id is not None:
        click.echo(show_cluster(found.read(document_id)))


def print_documents(side: str, counts: Mapping[str, Any]) -> None:
    """How many documents of a side are in one corpus only, with examples."""
    click.echo(f"{side}: {counts['left']:,} → {counts['right']:,} documents")
    signs = {"only_left": "-", "only_right": "+", "changed": "~"}
    for name, sign in signs.items():
        if counts[name]["count"]:
            click.echo(f"  {sign} {counts[name]['count']:,}")
        for example in counts[name]["examples"][:3]:
            shown = f"{example['id']}: {example['excerpt']}"
            click.echo(f"    {sign} {shown[:100]}")


def print_steps(steps: Sequence[Mapping[str, Any]]) -> None:
    """One line a step: what came in, what was left out, the main reason."""
    from scratchlm.base.units import format_bytes

    rows = [["step", "in", "left out", "bytes", "mostly because"]]
    for step in steps:
        dropped = {name: drop["count"] for name, drop in step["reasons"].items()}
        counts = {**dropped, **step["notes"].get("decisions", {})}  # cuts, too
        main = max(counts, key=lambda name: counts[name], default="")
        if not step["in"]:
            continue
        came, left = step["bytes_in"], step["bytes_out"]
        share = f"-{1 - left / came:.1%}" if came and 1 - left / came > 5e-4 else ""
        size = f"{format_bytes(left)} {share}".strip() if came else ""
        count = step["dropped"] + step["failed"]
        unit = step["unit"].removesuffix("s") if step["in"] == 1 else step["unit"]
        came_in = f"{step['in']:,} {unit}"
        rows.append([step["step"], came_in, f"{count:,}", size, main])
    print_table(rows, right=(2,))


def read_config(words: Sequence[str], settings: Mapping[str, Any]) -> CorpusConfig:
    """The configuration that the words of a command line stand for.

    Raises:
        UserError: a file or key that there is not, or a value that is not valid.
    """
    from scratchlm.base.config import (
        build_config,
        merge,
        parse_overrides,
        read_toml,
    )
    from scratchlm.base.errors import UserError
    from scratchlm.corpus import CorpusConfig

    files = [Path(word) for word in words if word.endswith(".toml")]
    rest = [word for word in words if not word.endswith(".toml")]
    paths = [word for word in rest if _is_path(word)]
    draft: dict[str, Any] = dict(settings)
    for file in files:
        content = read_toml(file)
        draft = merge(draft, content.get("corpus", content))
    if paths == ["stdlib"]:
        draft["source"] = "stdlib"
    elif paths:
        draft |= {"source": "files", "paths": [_absolute(path) for path in paths]}
    elif "sources" in draft:
        draft.setdefault("source", "files")
    elif not files:
        raise UserError("no text was named; give files, folders, URLs, or stdlib")
    overrides = [word for word in rest if not _is_path(word)]
    return build_config(
        CorpusConfig, merge(draft, parse_overrides(overrides)), "corpus"
    )


def build_options(
    memory: str, workers: int | None, on: str, work: Path | None
) -> BuildOptions:
    """How a build runs; this process is told to give memory back."""
    from scratchlm.base.allocator import give_back_blocks
    from scratchlm.base.units import parse_bytes
    from scratchlm.corpus.options import BuildOptions

    give_back_blocks()

    return BuildOptions(parse_bytes(memory), workers, on, work)


def _is_path(word: str) -> bool:
    name, equals, _ = word.partition("=")
    is_setting = bool(equals) and name.replace(".", "").replace("_", "").isalnum()
    return not is_setting or Path(word).exists()


def _is_remote(word: str) -> bool:
    return any(mark in word for mark in REMOTE)


def _absolute(word: str) -> str:
    if word.startswith("urls:"):
        return f"urls:{Path(word.removeprefix('urls:')).expanduser().absolute()}"
    return word if _is_remote(word) else str(Path(word).expanduser().absolute())
