"""Rounds: how a step that must see the whole corpus works, shard by shard.

A step is a sequence of rounds. A round of scope "shard" runs once for each shard and
sees its documents; one of scope "corpus" runs once and sees what earlier rounds left
for all shards. A round writes files into its own directory `out`, atomically as a
whole: it is run again from the start after a crash, and not at all where its inputs
did not change. The last round of a step writes decisions/00000.parquet … for the
shards; the flow counts them for the receipt, so a round counts nothing itself.

    near duplicates:  sign (shard) → candidates (corpus) → shingles (shard)
                      → verify (corpus): decisions

A round's bytes depend on the documents and the configuration alone: not on the
memory, the number of workers, or where it runs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.decisions import Applied
from scratchlm.corpus.flow.table import COLUMNS, Batch, count_rows, read_batches


@dataclass(frozen=True)
class Shard:
    """One shard as a step sees it: its documents after all earlier decisions.

    `index` counts shards in the order of priority, source and path; `source` is the
    name of the source that all of its documents come from.
    """

    index: int
    source: str
    documents: Path
    decisions: tuple[Path, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows as written; row numbers are below this."""
        return count_rows(self.documents)

    def batches(self, columns: Sequence[str] = COLUMNS) -> Iterator[Batch]:
        """The rows that are left, a row group at a time."""
        applied = Applied(self.decisions)
        for batch in read_batches(self.documents, columns):
            left = applied.apply(batch)
            if len(left):
                yield left


@dataclass(frozen=True)
class ShardWork:
    """What a round of scope "shard" is given.

    `earlier` maps the names of earlier rounds of this step to their directories: this
    shard's own for rounds of scope "shard", the only one for scope "corpus".
    """

    config: Any
    shard: Shard
    earlier: Mapping[str, Path]
    out: Path
    memory_bytes: int


@dataclass(frozen=True)
class CorpusWork:
    """What a round of scope "corpus" is given.

    `earlier[name][i]` is the directory of round `name` for shard i; of a round of
    scope "corpus" it is the same for every i. Shards are in their order; `priorities`
    (by source) break ties between equal documents, the highest first.
    """

    config: Any
    shards: Sequence[Shard]
    earlier: Mapping[str, Sequence[Path]]
    priorities: Mapping[str, float]
    out: Path
    memory_bytes: int


@dataclass(frozen=True)
class Round:
    """One round: a module-level function, so that any process can import it.

    `function(work)` takes a `ShardWork` or a `CorpusWork` by the round's scope.
    """

    name: str
    scope: Literal["shard", "corpus"]
    function: Callable[[Any], None]


@dataclass(frozen=True)
class CorpusStep:
    """A step of rounds with its configuration (any frozen Config).

    `canaries` are documents about which the step, as configured, must decide
    something. They travel as a shard of their own, the last, that no other step and
    no output ever sees; where the step decides nothing about them the build stops.
    """

    name: str
    config: Any
    rounds: tuple[Round, ...]
    canaries: tuple[Document, ...] = ()


def decisions_path(out: Path, shard: int) -> Path:
    """Where the last round of a step writes its decisions on a shard."""
    return out / "decisions" / f"{shard:05d}.parquet"
