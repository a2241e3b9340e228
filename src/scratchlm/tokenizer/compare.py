"""Several tokenizers on the same texts: who needs the fewest tokens, and how fast.

    sheet = compare_tokenizers({"mine": mine, "gpt2": gpt2}, {"de": german_texts})

Each is held against the first. The interval of a ratio comes from the paired
bootstrap: a document is drawn for both at once, so that what makes a text hard for
all of them does not widen it (`scratchlm.base.statistics`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.base.svg import Row, dot_plot
from scratchlm.base.units import format_bytes, format_count
from scratchlm.tokenizer.documents import Labelled
from scratchlm.tokenizer.measure import (
    Measurement,
    SourceMeasure,
    flatten,
    measure,
)
from scratchlm.tokenizer.report import TOTAL
from scratchlm.tokenizer.sheet import (
    Block,
    Drawing,
    Section,
    Sheet,
    Table,
    decimal,
    dot,
    interval,
)
from scratchlm.tokenizer.tokenizer import Tokenizer


def compare_tokenizers(
    tokenizers: Mapping[str, Tokenizer],
    sources: Mapping[str, Iterable[str]] | Iterable[Labelled],
) -> Sheet:
    """Hold tokenizers against the first of them.

    Args:
        tokenizers: by the name that the tables call them; two or more.
        sources: texts by the name of their source, or (name, text) pairs.

    Returns:
        A sheet; its `data` holds a list of rows a source. Speeds stand under
        `speed_mb_s`, apart from the figures that every run repeats.

    Raises:
        UserError: fewer than two tokenizers, or no text.
    """
    if len(tokenizers) < 2:
        raise UserError("a comparison needs two tokenizers: name another file")
    documents = flatten(sources) if isinstance(sources, Mapping) else sources
    found = measure(tokenizers, documents)
    if not found.n_bytes:
        raise UserError("there is no text to compare on: name files that hold some")
    data: dict[str, Any] = {
        "tokenizers": {
            name: {
                "kind": tokenizer.kind,
                "vocab_size": tokenizer.vocab_size,
                "fingerprint": tokenizer.fingerprint,
                "backend": tokenizer.backend,
            }
            for name, tokenizer in tokenizers.items()
        },
        "sources": {
            source: _rows(found.names, measured)
            for source, measured in _named_sources(found).items()
        },
        "speed_mb_s": {
            name: round(found.n_bytes / 1e6 / max(found.seconds[name], 1e-9), 3)
            for name in found.names
        },
    }
    sections = [_section(source, data) for source in data["sources"]]
    title = f"Tokenizers compared: {', '.join(tokenizers)}"
    return Sheet(title, (*sections, _speed_section(data)), data)


def _named_sources(found: Measurement) -> dict[str, SourceMeasure]:
    named = dict(sorted(found.sources.items()))
    return named if len(named) == 1 else {**named, TOTAL: found.total}


def _rows(names: tuple[str, ...], measured: SourceMeasure) -> list[dict[str, Any]]:
    first = names[0]
    rows = []
    for name in names:
        row = {"tokenizer": name, **measured.row(name)}
        row["ratio"] = measured.ratio(name, first).as_json() if name != first else None
        rows.append(row)
    return rows


def _section(source: str, data: Mapping[str, Any]) -> Section:
    rows = data["sources"][source]
    cells = tuple(
        (
            row["tokenizer"],
            f"{data['tokenizers'][row['tokenizer']]['vocab_size']:,}",
            format_count(row["n_tokens"]),
            decimal(row["bytes_per_token"]["value"], 3),
            decimal(row["ratio"]["value"], 3) if row["ratio"] else "1",
            interval(row["ratio"], 3) if row["ratio"] else "–",
        )
        for row in rows
    )
    headers = ("tokenizer", "ids", "tokens", "bytes/token", "ratio", "95 % interval")
    caption = (
        f"{format_bytes(rows[0]['n_bytes'])} in {rows[0]['n_documents']:,} documents; "
        f"ratio to {rows[0]['tokenizer']}"
    )
    blocks: tuple[Block, ...] = (
        Table(caption, headers, cells, (1, 2, 3, 4)),
        _drawing(source, rows),
    )
    return Section(source, blocks)


def _drawing(source: str, rows: list[dict[str, Any]]) -> Drawing:
    best = max(rows, key=lambda row: row["bytes_per_token"]["value"])
    title = f"{source}: the tokens of {best['tokenizer']} hold most"
    dots: list[Row] = [
        dot(row["tokenizer"], row["bytes_per_token"], colour)
        for colour, row in enumerate(rows)
    ]
    return Drawing(title, dot_plot(title, dots, x_label="bytes per token", digits=2))


def _speed_section(data: Mapping[str, Any]) -> Section:
    rows = tuple(
        (name, f"{speed:.3g} MB/s", data["tokenizers"][name]["backend"])
        for name, speed in data["speed_mb_s"].items()
    )
    table = Table(
        "Encoding to an array, one thread, once through these texts",
        ("tokenizer", "speed", "backend"),
        rows,
        (1,),
    )
    return Section("Speed", (table,))
