"""How many bytes a token holds, by the size of the vocabulary, from one count.

Byte-level BPE is nested: the first merges of a large vocabulary are a smaller one. So
the largest is trained once and every other size is cut from it (WordPiece is trained
anew for each size, from the same counts). Measured is text that was not counted.

    counts = WordCounts("llama3"); counts.add_texts(train)
    sheet = sweep_sizes(TokenizerConfig(), counts, {"held out": heldout})
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.svg import Series, chart
from scratchlm.base.units import format_bytes
from scratchlm.tokenizer.counts import WordCounts
from scratchlm.tokenizer.documents import Labelled
from scratchlm.tokenizer.measure import Measurement, flatten, measure
from scratchlm.tokenizer.sheet import Drawing, Section, Sheet, Table, decimal, interval
from scratchlm.tokenizer.special import SPECIAL_TOKENS
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.tokenizer.train import TokenizerConfig, train_from_counts

SIZES = tuple(1 << power for power in range(10, 17))
"""1,024 to 65,536, each twice the one before."""


def sweep_sizes(
    config: TokenizerConfig,
    counts: WordCounts,
    heldout: Mapping[str, Iterable[str]] | Iterable[Labelled],
    sizes: Sequence[int] = SIZES,
    progress: Progress = SILENT,
) -> Sheet:
    """Measure vocabularies of many sizes on held-out text.

    Args:
        config: how to train; its `vocab_size` is not asked.
        counts: what to train from.
        heldout: documents that were not counted, by source or as (name, text).
        sizes: of the vocabulary, in ids.
        progress: told about the training.

    Raises:
        UserError: no size, a size that holds no byte, no held-out text.
    """
    tokenizers = nested_tokenizers(config, counts, sizes, progress)
    documents = flatten(heldout) if isinstance(heldout, Mapping) else heldout
    found = measure({str(size): one for size, one in tokenizers.items()}, documents)
    if not found.n_bytes:
        raise UserError("no text is held out to measure on: give more documents")
    rows = [_row(size, one, found) for size, one in tokenizers.items()]
    data = {
        "kind": config.kind,
        "pattern": counts.pattern,
        "counted_bytes": counts.n_bytes,
        "heldout_bytes": found.n_bytes,
        "sizes": rows,
    }
    blocks = (_words(data), _table(rows), _drawing(rows))
    return Sheet("Size of the vocabulary", (Section("Sizes", blocks),), data)


def nested_tokenizers(
    config: TokenizerConfig,
    counts: WordCounts,
    sizes: Sequence[int],
    progress: Progress = SILENT,
) -> dict[int, Tokenizer]:
    """A tokenizer a size, as training at that size would give it.

    Raises:
        UserError: no size, or one that cannot hold the bytes and the control tokens.
    """
    least = 256 + len(SPECIAL_TOKENS)
    if not sizes or min(sizes) < least:
        raise UserError(f"sizes of vocabularies must be {least} or more ids")
    wanted = sorted(set(sizes))

    def train(size: int) -> Tokenizer:
        sized = config.model_copy(update={"vocab_size": size})
        return train_from_counts(sized, counts, progress=progress)

    if config.kind != "bpe":
        return {size: train(size) for size in wanted}
    largest = train(wanted[-1])
    return {size: cut(largest, size) for size in wanted}


def cut(tokenizer: Tokenizer, vocab_size: int) -> Tokenizer:
    """The smaller vocabulary that a larger one of ours begins with (BPE)."""
    names = tuple(tokenizer.special_tokens)
    n_merges = vocab_size - 256 - len(names)
    return Tokenizer.own(
        tokenizer.bpe.merges[:n_merges],
        tokenizer.bpe.pattern,
        vocab_size,
        special_tokens=names,
    )


def _row(size: int, tokenizer: Tokenizer, found: Measurement) -> dict[str, Any]:
    name, counted = str(size), found.id_counts[str(size)]
    n_held = int((tokenizer.byte_lengths > 0).sum())
    return {
        "vocab_size": size,
        "n_text_tokens": n_held,
        "n_empty_slots": tokenizer.n_unused,
        "n_tokens": int(counted.sum()),
        "used_frac": round(float((counted > 0).sum()) / n_held, 6),
        "bytes_per_token": found.total.bytes_per_token(name).as_json(),
        "sources": {
            source: measured.row(name)["bytes_per_token"]["value"]
            for source, measured in sorted(found.sources.items())
        },
    }


def _words(data: Mapping[str, Any]) -> str:
    short = [row for row in data["sizes"] if row["n_empty_slots"]]
    found = (
        f"Trained on {format_bytes(data['counted_bytes'])} of text, measured on "
        f"{format_bytes(data['heldout_bytes'])} held out; {data['kind']}, pattern "
        f"{data['pattern']}."
    )
    if not short:
        return found
    return (
        f"{found} The text has pairs for {short[0]['n_text_tokens']:,} tokens only: "
        f"from {short[0]['vocab_size']:,} ids on, slots stay empty."
    )


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    before: list[Mapping[str, Any] | None] = [None, *rows]
    body = tuple(
        (
            f"{row['vocab_size']:,}",
            f"{row['n_text_tokens']:,}",
            decimal(row["bytes_per_token"]["value"], 3),
            interval(row["bytes_per_token"], 3),
            _gain(last, row),
            f"{row['used_frac']:.1%}",
        )
        for last, row in zip(before, rows, strict=False)
    )
    figures = ("bytes/token", "95 % interval", "fewer tokens", "tokens used")
    return Table("By size", ("ids", "of text", *figures), body, (0, 1, 2, 4, 5))


def _gain(last: Mapping[str, Any] | None, row: Mapping[str, Any]) -> str:
    if last is None or not last["n_tokens"]:
        return "–"
    return f"{1 - row['n_tokens'] / last['n_tokens']:.1%}"


def _drawing(rows: Sequence[Mapping[str, Any]]) -> Drawing:
    sizes = [float(row["vocab_size"]) for row in rows]
    values = [row["bytes_per_token"] for row in rows]
    has_interval = all(value["low"] is not None for value in values)
    series = [
        Series(
            "bytes per token",
            sizes,
            [value["value"] for value in values],
            [value["low"] for value in values] if has_interval else None,
            [value["high"] for value in values] if has_interval else None,
        )
    ]
    title = drawing_title(rows)
    drawing = chart(
        title,
        series,
        x_label="ids in the vocabulary (each step doubles)",
        y_label="bytes per token",
        x_log=True,
        x_ticks=[(size, _short(int(size))) for size in sizes],
    )
    return Drawing(title, drawing)


def _short(size: int) -> str:
    return f"{size >> 10} k" if size % 1024 == 0 else str(size)


def drawing_title(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the curve shows, from its own numbers."""
    first, last = rows[0], rows[-1]
    grown = (
        f"From {first['vocab_size']:,} to {last['vocab_size']:,} ids a token grew from "
        f"{first['bytes_per_token']['value']:.2f} to "
        f"{last['bytes_per_token']['value']:.2f} bytes"
    )
    gains = [1 - b["n_tokens"] / max(1, a["n_tokens"]) for a, b in pairwise(rows)]
    if len(gains) < 2:
        return grown
    return f"{grown}; the last doubling saved {gains[-1]:.1%} of the tokens"
