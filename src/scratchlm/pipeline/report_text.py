"""The report's first chapters: the text that went in, and how it became ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.base.page import (
    details,
    facts,
    paragraph,
    section,
    table,
    tree,
)
from scratchlm.base.units import format_bytes, format_count
from scratchlm.pipeline.report_files import RunFiles, dig
from scratchlm.tokenizer import Tokenizer

_MOST_EXAMPLES = 8


def corpus_section(run: RunFiles) -> str:
    """What was read, what each step removed and why, and what was built for chat."""
    receipt = run.json("corpus/receipt.json")
    if not receipt:
        return section("corpus", "Text", paragraph(f"Corpus: {run.state('corpus')}."))
    steps = [step for step in receipt.get("steps", []) if isinstance(step, Mapping)]
    rest = {name: value for name, value in receipt.items() if name != "steps"}
    return section(
        "corpus",
        "Text: what went in",
        _synthetic_note(receipt),
        table(
            ["step", "counted", "in", "kept", "left out", "bytes kept"],
            [_step_row(step) for step in steps],
            "What every step kept",
        )
        if steps
        else "",
        _dropped(steps),
        details("Everything else on the corpus receipt", tree(rest)) if rest else "",
    )


def tokenizer_section(run: RunFiles) -> str:
    """The vocabulary, and what became of the text."""
    path = run.directory / "tokenizer" / "tokenizer.json"
    shards = run.json("data/shards.json")
    if not path.is_file():
        state = run.state("tokenizer")
        return section("tokenizer", "Tokens", paragraph(f"Tokenizer: {state}."))
    try:
        tokenizer = Tokenizer.load(path)
    except UserError as error:
        run.problems.append(str(error))
        return section("tokenizer", "Tokens", paragraph(str(error)))
    return section(
        "tokenizer",
        "Tokens: the alphabet that was learned",
        paragraph(
            f"{_what_was_learned(tokenizer)} the "
            f"{format_count(tokenizer.vocab_size)} entries of the vocabulary."
        ),
        facts(
            [
                ("split pattern", tokenizer.pattern),
                ("unused entries", tokenizer.n_unused or None),
                ("fingerprint", tokenizer.fingerprint),
                *_split_facts(shards),
            ]
        ),
        details("The first and the longest tokens", _token_tables(tokenizer)),
        details("Receipt of the shards", tree(shards)) if shards else "",
    )


def _synthetic_note(receipt: Mapping[str, Any]) -> str:
    if not receipt.get("synthetic"):
        return ""
    return paragraph(
        "The conversations and preference pairs of this run are synthetic: they were "
        "built from the text by rules, not written by people."
    )


def _step_row(step: Mapping[str, Any]) -> list[Any]:
    kept_bytes = step.get("kept_bytes")
    return [
        step.get("step", ""),
        step.get("unit", ""),
        step.get("in"),
        step.get("kept"),
        (step.get("in") or 0) - (step.get("kept") or 0),
        format_bytes(kept_bytes) if kept_bytes else None,
    ]


def _dropped(steps: list[Mapping[str, Any]]) -> str:
    rows = []
    for step in steps:
        for reason, drop in (step.get("reasons") or {}).items():
            examples = [_name(example) for example in drop.get("examples", [])]
            more = max(0, drop.get("count", 0) - _MOST_EXAMPLES)
            names = ", ".join(examples[:_MOST_EXAMPLES])
            if more and examples:
                names += f" and {more} more"
            rows.append([step.get("step", ""), reason, drop.get("count"), names])
    if not rows:
        return paragraph("Nothing was left out.")
    return details(
        f"What was left out, and why ({len(rows)} reasons)",
        table(["step", "reason", "count", "which"], rows, "Left out"),
    )


def _name(example: Any) -> str:
    if isinstance(example, Mapping):
        return " ≈ ".join(str(value) for value in example.values())
    return str(example)


def _split_facts(shards: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    splits = shards.get("splits", shards)
    for split in ("train", "heldout"):
        n_tokens, n_bytes = (
            dig(splits, split, "n_tokens"),
            dig(splits, split, "n_bytes"),
        )
        if n_tokens:
            text = f"{format_count(n_tokens)} tokens"
            if n_bytes:
                text += (
                    f" of {format_bytes(n_bytes)}, {n_bytes / n_tokens:.2f} bytes each"
                )
            documents = dig(splits, split, "n_documents")
            if documents:
                text += f", {documents:,} documents"
            found.append(("training text" if split == "train" else "held-out", text))
    return found


def _what_was_learned(tokenizer: Tokenizer) -> str:
    if tokenizer.kind == "wordpiece":
        return (
            "Tokens that begin a word and tokens that continue one were learned from "
            "the text; a word is spelled with the longest that fit. With the control "
            "tokens they are"
        )
    return (
        f"{format_count(len(tokenizer.merges))} merges of byte pairs were learned from "
        "the text; with the 256 bytes and the control tokens they are"
    )


def _token_tables(tokenizer: Tokenizer) -> str:
    lengths = tokenizer.byte_lengths
    learned = [i for i in range(tokenizer.vocab_size) if lengths[i] > 1]
    first = [[str(i), repr(_token_text(tokenizer, i))] for i in learned[:12]]
    longest = sorted(learned, key=lambda i: (-lengths[i], i))[:12]
    if tokenizer.merges:
        first = [
            [str(i + 1), *(repr(_token_text(tokenizer, part)) for part in merge)]
            for i, merge in enumerate(tokenizer.merges[:12])
        ]
    what = "merges" if tokenizer.merges else "tokens"
    heads = ["merge", "left", "right"] if tokenizer.merges else ["id", "token"]
    return table(heads, first, f"The first {what}") + table(
        ["id", "token"],
        [[str(i), repr(_token_text(tokenizer, i))] for i in longest],
        "The longest tokens",
    )


def _token_text(tokenizer: Tokenizer, token: int) -> str:
    return tokenizer.decode([token])
