"""The report on a tokenizer: what it makes of texts, and what its vocabulary holds.

    report = build_report(Tokenizer.load(path), {"de": german_texts, "code": modules})
    print(report.as_text())

Bytes per token by source with an interval over its documents; tokens per word;
tokens that the texts never gave, tokens that no text can give, tokens that are no
valid UTF-8; the longest and the most frequent. With `against`, another tokenizer on
the same documents, and how many more bytes a token of ours holds.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.documents import Labelled
from scratchlm.tokenizer.measure import Measurement, flatten, measure
from scratchlm.tokenizer.reach import find_unreachable, is_text
from scratchlm.tokenizer.report_sections import N_SHOWN, Rows, report_sections
from scratchlm.tokenizer.sheet import Sheet, show_token
from scratchlm.tokenizer.tokenizer import Tokenizer

OWN, OTHER = "this", "other"
TOTAL = "all"


def build_report(
    tokenizer: Tokenizer,
    sources: Mapping[str, Iterable[str]] | Iterable[Labelled],
    against: Tokenizer | None = None,
    name: str = "the tokenizer",
    against_name: str = "the other",
) -> Sheet:
    """Measure a tokenizer on texts and look through its vocabulary.

    Args:
        tokenizer: what the report is about.
        sources: texts by the name of their source, or (name, text) pairs.
        against: a tokenizer to compare with, such as GPT-2's.
        name: what the report calls the tokenizer.
        against_name: what it calls the other.

    Returns:
        A sheet; its `data` holds every figure, with every token that is listed.

    Raises:
        UserError: the sources hold no text.
    """
    documents = flatten(sources) if isinstance(sources, Mapping) else sources
    tokenizers = {OWN: tokenizer} | ({OTHER: against} if against else {})
    found = measure(tokenizers, documents)
    if not found.n_bytes:
        raise UserError("there is no text to measure on: name files that hold some")
    data = {
        "tokenizer": describe_tokenizer(tokenizer, name),
        "against": describe_tokenizer(against, against_name) if against else None,
        "sources": source_rows(found),
        "vocabulary": describe_vocabulary(tokenizer, found),
    }
    return Sheet(f"Report on {name}", tuple(report_sections(data)), data)


def describe_tokenizer(tokenizer: Tokenizer, name: str) -> dict[str, Any]:
    """What identifies a tokenizer."""
    n_tokens = int(np.count_nonzero(tokenizer.byte_lengths))
    return {
        "name": name,
        "kind": tokenizer.kind,
        "pattern": tokenizer.model.describe().get("pattern"),
        "vocab_size": tokenizer.vocab_size,
        "n_text_tokens": n_tokens,
        "n_control_tokens": len(tokenizer.special_tokens),
        "n_empty_slots": tokenizer.n_unused,
        "fingerprint": tokenizer.fingerprint,
    }


def source_rows(found: Measurement) -> Rows:
    """A row a source, and one for all of them."""
    named = dict(sorted(found.sources.items()))
    if len(named) > 1:
        named[TOTAL] = found.total
    rows = []
    for source, measured in named.items():
        row = {"source": source, **measured.row(OWN)}
        if OTHER in found.names:
            row["against"] = measured.row(OTHER)["bytes_per_token"]
            row["ratio"] = measured.ratio(OWN, OTHER).as_json()
        rows.append(row)
    return rows


def describe_vocabulary(tokenizer: Tokenizer, found: Measurement) -> dict[str, Any]:
    """Which tokens were used, which cannot be, and which stand out."""
    counts = found.id_counts[OWN]
    lengths = tokenizer.byte_lengths
    held = np.flatnonzero(lengths)
    unused = [int(token) for token in held if not counts[token]]
    unreachable = find_unreachable(tokenizer)
    partial = [int(t) for t in held if not is_text(tokenizer.token_bytes(int(t)))]
    longest = sorted(held.tolist(), key=lambda t: (-lengths[t], t))[:N_SHOWN]
    top = sorted(held.tolist(), key=lambda t: (-counts[t], t))[:N_SHOWN]
    return {
        "n_used": len(held) - len(unused),
        "used_frac": round(1 - len(unused) / max(1, len(held)), 6),
        "unused": _listed(tokenizer, unused),
        "unreachable": [
            {"id": one.id, "token": show_token(one.token), "reason": one.reason}
            for one in unreachable
        ],
        "not_utf8": _listed(tokenizer, partial),
        "n_single_bytes": sum(int(lengths[token]) == 1 for token in partial),
        "longest": _listed(tokenizer, longest),
        "top": [
            {**row, "count": int(counts[row["id"]])} for row in _listed(tokenizer, top)
        ],
        "n_tokens": int(counts.sum()),
    }


def _listed(tokenizer: Tokenizer, tokens: Iterable[int]) -> Rows:
    lengths = tokenizer.byte_lengths
    return [
        {
            "id": token,
            "token": show_token(tokenizer.token_bytes(token)),
            "n_bytes": int(lengths[token]),
        }
        for token in tokens
    ]
