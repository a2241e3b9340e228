"""Conversations as training examples: what is said, and which of it counts.

A row's messages go through the one renderer of the house, which marks the
assistant's words and the end of its turn; only those are targets.  A conversation
longer than the context loses its beginning, since the last answer is what it is
about; where even that answer does not fit, the row is left out.  Nothing
disappears uncounted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scratchlm.tokenizer.chat import render_conversation

if TYPE_CHECKING:
    from scratchlm.tokenizer import Tokenizer

Example = tuple[list[int], list[bool]]
"""Token ids and, for each, whether it is a target."""

N_NAMED = 5


@dataclass
class Examples:
    """Examples of a set of rows, and what became of the rows."""

    examples: list[Example] = field(default_factory=list)
    n_rows: int = 0
    shortened: list[str] = field(default_factory=list)
    """Ids of rows that lost their beginning."""
    dropped: dict[str, list[str]] = field(default_factory=dict)
    """Reason → ids of the rows left out for it."""

    @property
    def n_tokens(self) -> int:
        """Tokens of all examples."""
        return sum(len(ids) for ids, _ in self.examples)

    @property
    def n_counted_tokens(self) -> int:
        """Targets of all examples."""
        return sum(sum(mask) for _, mask in self.examples)

    def receipt(self) -> dict[str, Any]:
        """What went in, what came out, and some names of what did not."""
        return {
            "rows": self.n_rows,
            "examples": len(self.examples),
            "tokens": self.n_tokens,
            "counted_tokens": self.n_counted_tokens,
            "shortened": count_named(self.shortened),
            "dropped": {
                why: count_named(ids) for why, ids in sorted(self.dropped.items())
            },
        }


def build_examples(
    tokenizer: "Tokenizer", rows: Iterable[Mapping[str, Any]], max_tokens: int
) -> Examples:
    """Render rows (`messages`, `id`) into examples of at most `max_tokens` tokens.

    The order of the rows is kept; equal rows give equal examples.
    """
    result = Examples()
    for number, row in enumerate(rows):
        result.n_rows += 1
        name = str(row.get("id", number))
        ids, mask = render_conversation(
            tokenizer, row["messages"], tools=row.get("tools", ())
        )
        if not any(mask):
            result.dropped.setdefault("no answer", []).append(name)
            continue
        fitted = fit_example(ids, mask, max_tokens)
        if fitted is None:
            result.dropped.setdefault("answer too long", []).append(name)
            continue
        if len(fitted[0]) < len(ids):
            result.shortened.append(name)
        result.examples.append(fitted)
    return result


def fit_example(ids: list[int], mask: list[bool], max_tokens: int) -> Example | None:
    """Shorten an example to `max_tokens` from its front; None where it cannot be.

    The first token (the document mark) stays, then come the last tokens up to the
    end of the last answer, which is kept whole with one token before it.

    >>> fit_example([0, 1, 2, 3, 4], [False, False, False, True, True], 4)
    ([0, 2, 3, 4], [False, False, True, True])
    """
    if len(ids) <= max_tokens:
        return list(ids), list(mask)
    end = len(mask) - mask[::-1].index(True)
    start = end
    while start > 0 and mask[start - 1]:
        start -= 1
    first = end - (max_tokens - 1)
    if first > start - 1:
        return None
    first = max(first, 1)
    return [ids[0], *ids[first:end]], [mask[0], *mask[first:end]]


def count_named(names: list[str]) -> dict[str, Any]:
    """A count with its first few names, for a receipt."""
    return {"count": len(names), "for_example": names[:N_NAMED]}
