"""The last task of a shard: apply all decisions, count them, write what stays.

`documents.parquet` and the decisions of every step go in; `train.parquet`,
`heldout.parquet`, `removed.parquet` (what the steps took out, with what decided it)
and `receipt.json` come out.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scratchlm.base.atomic import write_json
from scratchlm.base.hashing import sha256_json
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.apply_rules import excerpt
from scratchlm.corpus.flow.decisions import Applied, Decision, read_decisions
from scratchlm.corpus.flow.table import Batch, DocumentWriter, read_batches
from scratchlm.corpus.receipt import Receipt, Step

SIDES = ("train", "heldout")
CUTS_SHOWN = 8
REMOVED = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("step", pa.string()),
        ("reason", pa.string()),
        ("of", pa.string()),
        ("value", pa.float64()),
        ("begin", pa.int64()),
        ("end", pa.int64()),
        ("excerpt", pa.string()),
    ]
)
Removed = dict[str, Any]
Assignment = Mapping[int, tuple[int, str]]
"""Row → how many times it is written, and to which side; absent rows: not at all."""


class DecidedStep:
    """The decisions of one step on one shard: applied batch by batch, and counted."""

    def __init__(self, name: str, path: Path, step: Step) -> None:
        self.name = name
        self._applied = Applied([path])
        self._step = step
        self._by_row: dict[int, list[Decision]] = defaultdict(list)
        for decision in read_decisions(path):
            self._by_row[decision.row].append(decision)

    def apply(self, batch: Batch) -> tuple[Batch, list[Removed]]:
        """What is left of a batch, and what this step took out of it."""
        after = self._applied.apply(batch)
        removed: list[Removed] = []
        touched = [
            n for n, row in enumerate(batch.rows.tolist()) if row in self._by_row
        ]
        for document, row in zip(
            _some(batch, touched), batch.rows[touched].tolist(), strict=True
        ):
            removed += self._count(document, self._by_row[row])
        self._keep(batch, after, touched)
        return after, removed

    def _count(
        self, document: Document, decisions: Sequence[Decision]
    ) -> Iterator[Removed]:
        for decision in decisions:
            shown = _removed(document, self.name, decision)
            self._note(decision)
            if decision.drops:
                names = ("id", "of", "value", "excerpt")
                self._step.drop(
                    {name: shown[name] for name in names if shown[name]},
                    decision.reason,
                    document.n_bytes,
                    source=document.source,
                )
            elif decision.end > decision.begin:
                self._show_cut(decision.reason, shown)
            yield shown

    def _show_cut(self, reason: str, shown: Removed) -> None:
        """Keep an example of what was cut, if its hash is among the smallest."""
        names = ("id", "of", "excerpt")
        example = {name: shown[name] for name in names if shown[name]}
        cuts = self._step.notes.setdefault("cuts", {})
        some = cuts.setdefault(reason, {})
        some[sha256_json(example)[:16]] = example
        cuts[reason] = few_examples(some)

    def _note(self, decision: Decision) -> None:
        counts = self._step.notes.setdefault("decisions", {})
        counts[decision.reason] = counts.get(decision.reason, 0) + 1
        if decision.value:
            values = self._step.notes.setdefault("values", {}).setdefault(
                decision.reason, {}
            )
            place = f"{min(int(decision.value * 20), 20) / 20:.2f}"
            values[place] = values.get(place, 0) + 1

    def _keep(self, batch: Batch, after: Batch, touched: Sequence[int]) -> None:
        lengths_in = np.diff(batch.utf8()[1]).tolist()
        sizes = dict(zip(batch.rows.tolist(), lengths_in, strict=True))
        cut = {int(batch.rows[place]) for place in touched}
        total: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        lengths = np.diff(after.utf8()[1]) if len(after) else np.zeros(0, np.int64)
        for row, source, left in zip(
            after.rows.tolist(), after.column("source"), lengths.tolist(), strict=True
        ):
            entry = total[source]
            entry[0] += left
            entry[1] += 1
            entry[2] += sizes[row]
            entry[3] += row in cut and left != sizes[row]
        for source, (left, count, came, changed) in sorted(total.items()):
            self._step.keep(left, count, source=source, bytes_in=came, changed=changed)


def write_shard(
    inputs: Mapping[str, Path], arguments: Mapping[str, Any], out: Path, memory: int
) -> None:
    """The task: see the module."""
    receipt = Receipt()
    steps = [
        DecidedStep(name, inputs[f"decisions/{number}"], receipt.step(name))
        for number, name in enumerate(arguments["steps"])
        if inputs[f"decisions/{number}"].exists()
    ]
    assignment = (
        read_assignment(inputs["assignment"]) if "assignment" in inputs else None
    )
    written = receipt.step("written")
    writers = {side: DocumentWriter(out / f"{side}.parquet") for side in SIDES}
    removed: list[Removed] = []
    for batch in read_batches(inputs["documents"]):
        for step in steps:
            batch, gone = step.apply(batch)
            removed += gone
            if not len(batch):
                break
        else:
            _write_batch(batch, assignment, writers, written)
    for writer in writers.values():
        writer.close()
    pq.write_table(
        pa.Table.from_pylist(removed, schema=REMOVED), out / "removed.parquet"
    )
    write_json(out / "receipt.json", receipt.to_json())


def few_examples(by_hash: Mapping[str, Removed]) -> dict[str, Removed]:
    """The examples with the smallest hashes: the same in whatever order they came."""
    return dict(sorted(by_hash.items())[:CUTS_SHOWN])


def read_assignment(path: Path) -> Assignment:
    """How many times each row is written, and where."""
    columns = pq.read_table(path).to_pydict()
    pairs = zip(columns["copies"], columns["side"], strict=True)
    return dict(zip(columns["row"], pairs, strict=True))


def _write_batch(
    batch: Batch,
    assignment: Assignment | None,
    writers: Mapping[str, DocumentWriter],
    step: Step,
) -> None:
    for document, row in zip(batch.documents(), batch.rows.tolist(), strict=True):
        copies, side = (
            (1, "train") if assignment is None else assignment.get(row, (0, ""))
        )
        if not copies:
            size, source = document.n_bytes, document.source
            step.drop({"id": document.id}, "not in the mix", size, source=source)
            continue
        for copy in range(copies):
            writers[side].write(_copy(document, copy))
        size = document.n_bytes
        step.keep(size * copies, source=document.source, bytes_in=size)


def _copy(document: Document, number: int) -> Document:
    """The document again, under a name of its own: `id×2` (`~2` is a file's)."""
    if number == 0:
        return document
    name = f"{document.id}×{number + 1}"
    return Document(name, document.text, document.source, document.metadata)


def _some(batch: Batch, places: Sequence[int]) -> list[Document]:
    if not places:
        return []
    rows = batch.rows[list(places)]
    return Batch(rows, batch.table.take(pa.array(places))).documents()


def _removed(document: Document, step: str, decision: Decision) -> Removed:
    text = document.text
    if not decision.drops:
        text = text.encode()[decision.begin : decision.end].decode("utf-8", "replace")
    return {
        "id": document.id,
        "source": document.source,
        "step": step,
        "reason": decision.reason,
        "of": decision.of,
        "value": decision.value,
        "begin": decision.begin,
        "end": decision.end,
        "excerpt": excerpt(text),
    }
