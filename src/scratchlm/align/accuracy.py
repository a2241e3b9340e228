"""Does a model prefer the right answer?  Counted on pairs that it never saw.

A pair is right where the chosen answer has the higher mean log-probability per
token, the end of turn included.  Two models are compared on the same pairs; the
interval resamples groups of pairs that share an answer, not pairs: (a before b) and
(b before a) under two questions are one piece of evidence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scratchlm.align.log_probs import score_pairs
from scratchlm.align.pairs import Pair, Row, build_pairs
from scratchlm.base.statistics import (
    Interval,
    bootstrap_mean_interval,
    paired_bootstrap_interval,
)

if TYPE_CHECKING:
    from scratchlm.model.transformer import Transformer
    from scratchlm.tokenizer import Tokenizer


@dataclass(frozen=True)
class PairScore:
    """What a model thinks of a pair: mean log-probabilities per token, in nats."""

    id: str
    kind: str
    chosen: float
    rejected: float
    group: int
    """Pairs of a kind that share answers have the same number."""

    @property
    def margin(self) -> float:
        """How far the chosen answer is ahead, in nats a token."""
        return self.chosen - self.rejected

    @property
    def is_right(self) -> bool:
        """Whether the chosen answer is ahead."""
        return self.margin > 0


def preference_accuracy(
    model: "Transformer", tokenizer: "Tokenizer", pairs: Iterable[Row]
) -> list[PairScore]:
    """Score preference rows, in their order; those that do not fit are left out."""
    built = build_pairs(tokenizer, pairs, model.config.context_length + 1).pairs
    sums = score_pairs(model, built, tokenizer.pad_id)
    groups = group_pairs(built)
    return [
        PairScore(
            id=pair.id,
            kind=pair.kind,
            chosen=float(chosen) / len(pair.chosen),
            rejected=float(rejected) / len(pair.rejected),
            group=group,
        )
        for pair, (chosen, rejected), group in zip(built, sums, groups, strict=True)
    ]


def summarise_accuracy(scores: Sequence[PairScore]) -> dict[str, dict[str, Any]]:
    """Accuracy with its interval and the mean margin (nats a token), by kind."""
    return {
        kind: {
            "n_pairs": len(some),
            "accuracy_frac": _accuracy(some).as_json(),
            "margin_nats": round(sum(s.margin for s in some) / len(some), 6),
        }
        for kind, some in _by_kind(scores).items()
    }


def compare_accuracy(
    before: Sequence[PairScore], after: Sequence[PairScore]
) -> dict[str, dict[str, Any]]:
    """Accuracy of two models on the same pairs and its paired change, by kind.

    `change_frac` is after − before with its 95 % interval; `rises` says that the
    accuracy is higher, `excludes_zero` that the interval says so too.
    """
    assert [s.id for s in before] == [s.id for s in after], "not the same pairs"
    first, second = _by_kind(before), _by_kind(after)
    return {kind: _compare(first[kind], second[kind]) for kind in first}


def group_pairs(pairs: Sequence[Pair]) -> list[int]:
    """Number the groups of pairs that hang together by an answer, within a kind."""
    above: dict[tuple[object, ...], tuple[object, ...]] = {}

    def root(node: tuple[object, ...]) -> tuple[object, ...]:
        while (parent := above.setdefault(node, node)) != node:
            node = parent
        return node

    nodes = [[(p.kind, *answer) for answer in (p.chosen, p.rejected)] for p in pairs]
    for chosen, rejected in nodes:
        above[root(chosen)] = root(rejected)
    numbers: dict[tuple[object, ...], int] = {}
    return [numbers.setdefault(root(chosen), len(numbers)) for chosen, _ in nodes]


def _compare(before: list[PairScore], after: list[PairScore]) -> dict[str, Any]:
    change = paired_bootstrap_interval(
        [s.is_right for s in after],
        [s.is_right for s in before],
        groups=[s.group for s in before],
    )
    return {
        "n_pairs": len(before),
        "before_frac": _accuracy(before).as_json(),
        "after_frac": _accuracy(after).as_json(),
        "change_frac": change.as_json(),
        "rises": change.value > 0,
        "excludes_zero": change.excludes_zero,
    }


def _accuracy(scores: Sequence[PairScore]) -> Interval:
    return bootstrap_mean_interval(
        [s.is_right for s in scores], groups=[s.group for s in scores]
    )


def _by_kind(scores: Sequence[PairScore]) -> dict[str, list[PairScore]]:
    kinds: dict[str, list[PairScore]] = {s.kind: [] for s in scores}
    for score in scores:
        kinds[score.kind].append(score)
    return dict(sorted(kinds.items()))
