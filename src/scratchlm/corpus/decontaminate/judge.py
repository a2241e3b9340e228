"""What counts as found, and what then happens to the document.

An item is found in a document if, sequences that are boilerplate aside,
- 13 words in a row of one of its parts stand there, or
- at least `min_share` of its 8-word sequences do, and `min_sequences`, or
- its question of fewer than 13 words does, and its answer within 50 words.

Boilerplate are sequences that more than `most_items` items share (the index knows)
or that stand in more than `most_documents` documents.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scratchlm.corpus.decontaminate.config import Action, DecontaminateConfig
from scratchlm.corpus.decontaminate.grams import LONG
from scratchlm.corpus.decontaminate.item_index import Flags, GramIndex, ItemIndex
from scratchlm.corpus.decontaminate.runs import QUESTION, RUN, Run
from scratchlm.corpus.dedup.words import Indices
from scratchlm.corpus.flow.decisions import WHOLE, Decision

LONG_RULE = "13 words in a row of an evaluation item"
SHARE_RULE = "most of an evaluation item's 8-word sequences"
SHORT_RULE = "a short evaluation question near its answer"


@dataclass(frozen=True, slots=True)
class Found:
    """One item in one document: the rule that found it, the share of its 8-word
    sequences that stand there (1 for a short question), the places that give it away.
    """

    item: int
    rule: str
    share: float
    runs: tuple[Run, ...]


class Judge:
    """Rules on all runs of a document, given the boilerplate of the whole corpus.

    `ignored` are the numbers of sequences of 8 words, of 13, and of whole questions
    that stand in too many documents.
    """

    def __init__(
        self,
        index: ItemIndex,
        config: DecontaminateConfig,
        ignored: Sequence[Indices],
    ) -> None:
        self.min_sequences = config.min_sequences
        self._index = index
        self._config = config
        self._dead_short = _dead(index.short, ignored[0])
        self._dead_long = _dead(index.long, ignored[1])
        self._dead_whole = np.zeros(len(index.wholes), np.bool_)
        self._dead_whole[ignored[2]] = True
        items, numbers = index.gram_items, index.gram_numbers
        n_items = len(index.names)
        self._before = np.bincount(items, minlength=n_items)
        live = items[~self._dead_short[numbers]]
        self._totals = np.bincount(live, minlength=n_items)

    def find(self, runs: Sequence[Run]) -> list[Found]:
        """Items that the runs of one document give away, in their order."""
        by_item: dict[int, list[Run]] = defaultdict(list)
        for run in sorted(runs):
            by_item[int(self._index.part_items[run.part])].append(run)
        found = (self._judge(item, by_item[item]) for item in sorted(by_item))
        return [entry for entry in found if entry is not None]

    def matters(self, run: Run) -> bool:
        """Has it a sequence of words that is not boilerplate?"""
        if run.kind == RUN:
            return bool(len(self._live_short(run)) or self._has_long(run))
        return run.kind != QUESTION or not self._dead_whole[self._whole(run.part)]

    def hidden_items(self) -> Flags:
        """Items (I,) that lost more than half of their sequences to `most_documents`:
        they may stand in the corpus unseen.
        """
        hidden: Flags = self._totals * 2 < self._before
        return hidden

    def _judge(self, item: int, runs: Sequence[Run]) -> Found | None:
        asked = any(run.kind == QUESTION and self.matters(run) for run in runs)
        telling = tuple(
            run for run in runs if (self.matters(run) if run.kind == RUN else asked)
        )
        sequences = [self._live_short(run) for run in telling if run.kind == RUN]
        n_found = len(np.unique(np.concatenate(sequences))) if sequences else 0
        share = n_found / max(1, int(self._totals[item]))
        if any(run.kind == RUN and self._has_long(run) for run in telling):
            return Found(item, LONG_RULE, share, telling)
        enough = n_found >= self.min_sequences
        if enough and share >= self._config.min_share:
            return Found(item, SHARE_RULE, share, telling)
        return Found(item, SHORT_RULE, 1.0, telling) if asked else None

    def _live_short(self, run: Run) -> Indices:
        numbers = _numbers(self._index, self._index.short, run)
        return numbers[~self._dead_short[numbers]]

    def _has_long(self, run: Run) -> bool:
        if run.n_words < LONG:
            return False
        numbers = _numbers(self._index, self._index.long, run)
        return bool((~self._dead_long[numbers]).any())

    def _whole(self, part: int) -> int:
        return self._index.whole_numbers[part]


def decide(
    config: DecontaminateConfig,
    action: Action,
    names: Sequence[tuple[str, str]],
    found: Sequence[Found],
) -> list[Decision]:
    """What happens to one document; each item is named at least once."""
    if not found:
        return []
    if action == "report":
        return [
            _decision(names, entry, min(run.begin for run in entry.runs), None)
            for entry in found
        ]
    cuts = _merge(found)
    size = found[0].runs[0].size
    left = size - sum(end - begin for begin, end in cuts)
    if action == "drop" or len(cuts) > config.most_spans:
        return _drop(names, found)
    if left < config.min_left_bytes:
        return _drop(names, found)
    return list(_mask(names, found, cuts))


def describe(
    names: Sequence[tuple[str, str]], found: Found, source: str, action: Action
) -> dict[str, Any]:
    """One line of the report: which item, where, how much of it."""
    task, item = names[found.item]
    spans = sorted({(run.begin, run.end) for run in found.runs})
    longest = max(found.runs, key=lambda run: (run.end - run.begin, run))
    return {
        "task": task,
        "item": item,
        "source": source,
        "document": longest.document,
        "rule": found.rule,
        "share": round(found.share, 4),
        "spans": [list(span) for span in spans],
        "excerpt": longest.excerpt,
        "action": action,
    }


def summarise(
    index: ItemIndex, judge: Judge, rows: Sequence[Mapping[str, Any]], skip: str
) -> dict[str, Any]:
    """Per task: its items, how many could be looked for, were found, were hidden
    because their words stand in too many documents; the task `skip` left out.
    """
    able = index.is_searchable(judge.min_sequences)
    hidden = judge.hidden_items()
    tasks: dict[str, dict[str, int]] = {}
    for number, (task, _) in enumerate(index.names):
        if task != skip:
            counts = tasks.setdefault(task, dict.fromkeys(_COUNTS, 0))
            counts["items"] += 1
            counts["too_short"] += not able[number]
            counts["hidden_as_boilerplate"] += bool(hidden[number])
    for task, _ in {(row["task"], row["item"]) for row in rows}:
        tasks[task]["found"] += 1
    for task, _ in {(row["task"], row["document"]) for row in rows}:
        tasks[task]["documents"] += 1
    total = {
        name: sum(counts[name] for counts in tasks.values()) for name in _COUNTS[:-1]
    }
    documents = len({row["document"] for row in rows})
    return {**total, "documents": documents, "tasks": dict(sorted(tasks.items()))}


_COUNTS = ("items", "too_short", "hidden_as_boilerplate", "found", "documents")


def _dead(grams: GramIndex, ignored: Indices) -> Flags:
    dead: Flags = np.array(grams.shared)
    dead[ignored] = True
    return dead


def _numbers(index: ItemIndex, grams: GramIndex, run: Run) -> Indices:
    first = int(index.part_edges[run.part]) + run.first
    numbers: Indices = grams.at[first : first + run.n_words - grams.n + 1]
    return numbers


def _merge(found: Sequence[Found]) -> list[tuple[int, int]]:
    cuts: list[tuple[int, int]] = []
    for begin, end in sorted(
        (run.cut_begin, run.cut_end) for entry in found for run in entry.runs
    ):
        if cuts and begin <= cuts[-1][1]:
            cuts[-1] = cuts[-1][0], max(end, cuts[-1][1])
        else:
            cuts.append((begin, end))
    return cuts


def _mask(
    names: Sequence[tuple[str, str]],
    found: Sequence[Found],
    cuts: Sequence[tuple[int, int]],
) -> Iterator[Decision]:
    """For each cut the first item that it takes out, and the others after it."""
    for begin, end in cuts:
        here = [
            entry
            for entry in found
            if any(begin <= run.cut_begin and run.cut_end <= end for run in entry.runs)
        ]
        yield _decision(names, here[0], begin, end)
        for entry in here[1:]:
            yield _decision(names, entry, end, None)


def _drop(names: Sequence[tuple[str, str]], found: Sequence[Found]) -> list[Decision]:
    whole = [_decision(names, found[0], WHOLE, WHOLE)]
    return whole + [_decision(names, entry, 0, None) for entry in found[1:]]


def _decision(
    names: Sequence[tuple[str, str]], found: Found, begin: int, end: int | None
) -> Decision:
    task, item = names[found.item]
    row, share = found.runs[0].row, round(found.share, 4)
    last = begin if end is None else end
    return Decision(row, begin, last, found.rule, f"{task}:{item}", share)
