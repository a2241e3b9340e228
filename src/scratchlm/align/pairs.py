"""Preference rows as pairs of token sequences that share their prompt.

A row is `{"id", "kind", "split", "prompt": [messages], "chosen", "rejected"}`.
The prompt ends with the mark that opens the assistant's turn, so that the answer's
first token is a target and the mark is not.  A pair too long for the context loses
the beginning of its prompt; where an answer does not fit, the pair is left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scratchlm.finetune.conversations import count_named
from scratchlm.tokenizer.chat import render_conversation

if TYPE_CHECKING:
    from scratchlm.tokenizer import Tokenizer

Row = Mapping[str, Any]

MIN_PROMPT_TOKENS = 2  # the document mark and the one that opens the answer


@dataclass(frozen=True)
class Pair:
    """A chosen and a rejected answer to one prompt, as token ids."""

    id: str
    kind: str
    prompt: tuple[int, ...]
    """Ends with the mark that opens the assistant's turn."""
    chosen: tuple[int, ...]
    """The answer and its end of turn."""
    rejected: tuple[int, ...]

    @property
    def n_tokens(self) -> int:
        """Tokens of a row that holds the prompt once and both answers."""
        return len(self.prompt) - 1 + len(self.chosen) + len(self.rejected)


@dataclass
class Pairs:
    """The pairs of a set of rows, and what became of the rows."""

    pairs: list[Pair] = field(default_factory=list)
    n_rows: int = 0
    shortened: list[str] = field(default_factory=list)
    dropped: dict[str, list[str]] = field(default_factory=dict)

    @property
    def n_tokens(self) -> int:
        """Tokens of all pairs, each prompt once."""
        return sum(pair.n_tokens for pair in self.pairs)

    def receipt(self) -> dict[str, Any]:
        """What went in, what came out by kind, some names of what did not."""
        kinds = sorted({pair.kind for pair in self.pairs})
        return {
            "rows": self.n_rows,
            "pairs": len(self.pairs),
            "tokens": self.n_tokens,
            "by_kind": {k: sum(p.kind == k for p in self.pairs) for k in kinds},
            "shortened": count_named(self.shortened),
            "dropped": {
                why: count_named(ids) for why, ids in sorted(self.dropped.items())
            },
        }


def build_pairs(tokenizer: "Tokenizer", rows: Iterable[Row], max_tokens: int) -> Pairs:
    """Render preference rows into pairs of at most `max_tokens` tokens an answer."""
    result = Pairs()
    for number, row in enumerate(rows):
        result.n_rows += 1
        name = str(row.get("id", number))
        if row["chosen"] == row["rejected"]:
            result.dropped.setdefault("equal answers", []).append(name)
            continue
        prompt, _ = render_conversation(tokenizer, row["prompt"], True)
        chosen = _answer_ids(tokenizer, row, str(row["chosen"]), len(prompt))
        rejected = _answer_ids(tokenizer, row, str(row["rejected"]), len(prompt))
        fitted = fit_prompt(prompt, max(len(chosen), len(rejected)), max_tokens)
        if fitted is None:
            result.dropped.setdefault("answer too long", []).append(name)
            continue
        if len(fitted) < len(prompt):
            result.shortened.append(name)
        kind = str(row.get("kind", "given"))
        pair = Pair(name, kind, tuple(fitted), tuple(chosen), tuple(rejected))
        result.pairs.append(pair)
    return result


def fit_prompt(
    prompt: list[int], n_answer_tokens: int, max_tokens: int
) -> list[int] | None:
    """Shorten a prompt from its front, its first token kept; None: it cannot be.

    >>> fit_prompt([0, 1, 2, 3], n_answer_tokens=2, max_tokens=5)
    [0, 2, 3]
    """
    room = max_tokens - n_answer_tokens
    if room >= len(prompt):
        return prompt
    if room < MIN_PROMPT_TOKENS:
        return None
    return [prompt[0], *prompt[len(prompt) - (room - 1) :]]


def _answer_ids(
    tokenizer: "Tokenizer", row: Row, answer: str, n_prompt: int
) -> list[int]:
    messages = [*row["prompt"], {"role": "assistant", "content": answer}]
    ids, _ = render_conversation(tokenizer, messages)
    return ids[n_prompt:]
