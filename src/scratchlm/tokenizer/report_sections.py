"""A tokenizer's report as sections: what `build_report` found, in words and tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from scratchlm.base.svg import Row, dot_plot
from scratchlm.base.units import format_bytes, format_count
from scratchlm.tokenizer.sheet import (
    Drawing,
    Section,
    Table,
    decimal,
    dot,
    interval,
)

N_SHOWN = 12
"""Rows of a list of tokens; the report's data holds all of them."""

Rows = list[dict[str, Any]]

_LONGEST_MEAN_WORD = 20.0  # characters; a script without spaces, or no words


def report_sections(data: Mapping[str, Any]) -> list[Section]:
    """The report in the order in which it is read."""
    rows, vocabulary = data["sources"], data["vocabulary"]
    return [
        Section("The tokenizer", tuple(_introduction(data))),
        Section(
            "On the texts", (sources_table(rows), *_comparison(data), _drawing(data))
        ),
        Section("The vocabulary", tuple(_vocabulary_blocks(data, vocabulary))),
        Section("Longest and most frequent tokens", tuple(_token_tables(vocabulary))),
    ]


def sources_table(rows: Rows) -> Table:
    """Bytes per token and fertility, a row a source."""
    body = tuple(
        (
            row["source"],
            format_bytes(row["n_bytes"]),
            format_count(row["n_tokens"]),
            decimal(row["bytes_per_token"]["value"]),
            interval(row["bytes_per_token"]),
            fertility(row),
            decimal(row["characters_per_token"]),
        )
        for row in rows
    )
    figures = ("text", "tokens", "bytes/token", "95 % interval", "tokens/word")
    headers = ("source", *figures, "chars/token")
    return Table("What the texts became", headers, body, (1, 2, 3, 5, 6))


def fertility(row: Mapping[str, Any]) -> str:
    """Tokens per word; a dash where a language writes no spaces between words."""
    too_long = (row["characters_per_word"] or 0) > _LONGEST_MEAN_WORD
    return "–" if too_long else decimal(row["tokens_per_word"])


def _introduction(data: Mapping[str, Any]) -> list[str]:
    lines = []
    for one in filter(None, (data["tokenizer"], data["against"])):
        lines.append(
            f"{one['name']}: {one['kind']}, {one['vocab_size']:,} ids of which text "
            f"has {one['n_text_tokens']:,}, pattern {one['pattern']}, fingerprint "
            f"{one['fingerprint']}."
        )
    return lines


def _comparison(data: Mapping[str, Any]) -> list[str | Table]:
    if not data["against"]:
        return []
    rows = tuple(
        (
            row["source"],
            decimal(row["bytes_per_token"]["value"]),
            decimal(row["against"]["value"]),
            decimal(row["ratio"]["value"], 3),
            interval(row["ratio"], 3),
        )
        for row in data["sources"]
    )
    own, other = data["tokenizer"]["name"], data["against"]["name"]
    headers = ("source", own, other, "ratio", "95 % interval")
    return [
        f"Ratio: bytes per token of {own} over those of {other}; above 1, a text takes "
        "fewer tokens. Each document is drawn for both.",
        Table(f"Bytes per token, {own} and {other}", headers, rows, (1, 2, 3)),
    ]


def _drawing(data: Mapping[str, Any]) -> Drawing:
    """Bytes per token of each source, both tokenizers where there are two."""
    rows: list[Row] = []
    for row in data["sources"]:
        rows.append(Row(row["source"], None, heading=True))
        rows.append(dot(data["tokenizer"]["name"], row["bytes_per_token"], 0))
        if data["against"]:
            rows.append(dot(data["against"]["name"], row["against"], 1))
    best = max(data["sources"], key=lambda row: row["bytes_per_token"]["value"])
    title = (
        f"A token of {data['tokenizer']['name']} holds most in {best['source']}: "
        f"{best['bytes_per_token']['value']:.2f} bytes"
    )
    return Drawing(title, dot_plot(title, rows, x_label="bytes per token", digits=2))


def _vocabulary_blocks(
    data: Mapping[str, Any], vocabulary: Mapping[str, Any]
) -> list[str | Table]:
    unused, unreachable = vocabulary["unused"], vocabulary["unreachable"]
    reasons = [one["reason"] for one in unreachable]
    n_partial, n_single = len(vocabulary["not_utf8"]), vocabulary["n_single_bytes"]
    blocks: list[str | Table] = [
        f"{vocabulary['n_used']:,} of {data['tokenizer']['n_text_tokens']:,} tokens "
        f"({vocabulary['used_frac']:.1%}) occur in these texts; {len(unused):,} do "
        "not.",
        _reach(reasons),
        f"{n_partial:,} tokens are no valid UTF-8 by themselves: {n_single:,} single "
        f"bytes and {n_partial - n_single:,} longer parts of characters.",
    ]
    for caption, listed in (
        ("Tokens that no text can give", unreachable),
        ("Longest of the tokens that did not occur", _longest(unused)),
        ("Parts of characters, the longest", _longest(vocabulary["not_utf8"])),
    ):
        if listed:
            blocks.append(_token_table(caption, listed[:N_SHOWN]))
    return blocks


def _reach(reasons: Sequence[str]) -> str:
    if not reasons:
        return "Every token occurs in some text."
    return (
        f"{len(reasons):,} tokens can occur in no text: {reasons.count('taken'):,} "
        "because other tokens always take a part of them, "
        f"{reasons.count('split'):,} because the pattern cuts every text inside them."
    )


def _longest(listed: Rows) -> Rows:
    return sorted(listed, key=lambda one: (-one["n_bytes"], one["id"]))


def _token_tables(vocabulary: Mapping[str, Any]) -> list[Table]:
    total = max(1, vocabulary["n_tokens"])
    top = tuple(
        (
            f"{one['count']:,}",
            f"{one['count'] / total:.2%}",
            str(one["id"]),
            one["token"],
        )
        for one in vocabulary["top"]
    )
    headers = ("count", "share", "id", "token")
    return [
        _token_table("Longest tokens", vocabulary["longest"]),
        Table("Most frequent tokens", headers, top, (0, 1, 2)),
    ]


def _token_table(caption: str, listed: Rows) -> Table:
    what = "reason" if "reason" in listed[0] else "n_bytes"
    rows = tuple((str(one["id"]), str(one[what]), one["token"]) for one in listed)
    headers = ("id", "reason" if what == "reason" else "bytes", "token")
    return Table(caption, headers, rows, (0,) if what == "reason" else (0, 1))
