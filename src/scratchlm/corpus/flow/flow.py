"""A whole build over one work directory: read, decide, write, add up.

    flow = Flow(work, executor, memory_bytes, progress)
    flow.read(input_shards, sources, settings, cache)
    for step in steps:
        flow.decide(step)
    parts = flow.write()

Nothing here knows what the steps do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import read_json
from scratchlm.base.progress import SILENT, Progress
from scratchlm.corpus.flow.executor import Executor
from scratchlm.corpus.flow.graph import Graph
from scratchlm.corpus.flow.read import RECEIPT, read_tasks
from scratchlm.corpus.flow.rounds import CorpusStep
from scratchlm.corpus.flow.stages import DOCUMENTS, ShardTasks, decisions_read, run_step
from scratchlm.corpus.flow.task import Read, Task
from scratchlm.corpus.flow.write import few_examples, write_shard
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.config import SourceConfig
from scratchlm.corpus.sources.piece import InputShard

ASSIGNMENT = "assignment"


@dataclass(frozen=True)
class Part:
    """What one shard became: files in the work directory."""

    source: str
    train: Path
    heldout: Path
    removed: Path


class Flow:
    """The build: knows its shards and which tasks decided about them."""

    def __init__(
        self,
        work: Path,
        executor: Executor,
        memory_bytes: int,
        progress: Progress = SILENT,
        canaries: bool = True,
    ) -> None:
        self.graph = Graph(work, executor, memory_bytes, progress)
        self.shards: list[ShardTasks] = []
        self.steps: list[str] = []
        self._sources: Mapping[str, SourceConfig] = {}
        self._canaries = canaries
        self._assigned: str | None = None

    def read(
        self,
        shards: Sequence[InputShard],
        sources: Mapping[str, SourceConfig],
        settings: Mapping[str, Any],
        cache: Path,
    ) -> None:
        """Read all input shards and apply the rules."""
        made = read_tasks(shards, sources, settings, cache)
        self._sources = sources
        self.shards = [shard for _, shard in made]
        self.graph.run([task for task, _ in made], "read")

    def decide(self, step: CorpusStep) -> Path:
        """Run a step; later ones see its decisions applied.

        Returns the directory of its last round (for the first shard, if it is of
        scope "shard").
        """
        tasks = self._run(step)
        for shard, task in zip(self.shards, tasks, strict=False):
            shard.decisions.append(task)
        self.steps.append(step.name)
        return self.graph.path(tasks[0])

    def assign(self, step: CorpusStep) -> Path:
        """Run the step that says how often, and to which side, each row is written.

        Its last round, of scope "corpus", writes assignment/00000.parquet … for the
        shards: columns `row`, `copies` and `side`.
        """
        self._assigned = self._run(step)[0]
        return self.graph.path(self._assigned)

    def view(self) -> list[dict[str, Any]]:
        """The shards as the next step will see them, as JSON: `source`, and below the
        work directory `documents` and `decisions`.
        """
        return [
            {
                "source": shard.source,
                "documents": f"{shard.documents}/{DOCUMENTS}",
                "decisions": [
                    "/".join((read.task, read.path))
                    for read in (decisions_read(t, number) for t in shard.decisions)
                ],
            }
            for number, shard in enumerate(self.shards)
        ]

    def write(self) -> list[Part]:
        """Write what stays of every shard; the parts are in the order of shards."""
        tasks = [self._write_task(n, shard) for n, shard in enumerate(self.shards)]
        self.graph.run(tasks, "write")
        return [
            Part(
                shard.source,
                *(
                    self.graph.path(task.name, f"{name}.parquet")
                    for name in ("train", "heldout", "removed")
                ),
            )
            for shard, task in zip(self.shards, tasks, strict=True)
        ]

    def receipt(self, rules: Sequence[str]) -> Receipt:
        """The receipts of all shards, added up in their order.

        Reading comes first, then the rules in their order, then the steps.
        """
        total = Receipt()
        for room in ("read", "write"):
            for shard in self.shards:
                path = self.graph.path(f"{room}/{shard.key}", RECEIPT)
                total.add(Receipt.from_json(read_json(path)))
        for step in total.steps:
            cuts = step.notes.get("cuts", {})
            for reason in cuts:
                cuts[reason] = few_examples(cuts[reason])
        last = [*rules, *self.steps, "written"]
        total.steps.sort(key=lambda step: _place(last, step.name))
        return total

    def _run(self, step: CorpusStep) -> Sequence[str]:
        priorities = {name: config.priority for name, config in self._sources.items()}
        if not self._canaries:
            step = CorpusStep(step.name, step.config, step.rounds)
        return run_step(self.graph, step, self.shards, priorities)

    def _write_task(self, number: int, shard: ShardTasks) -> Task:
        reads = {"documents": Read(shard.documents, DOCUMENTS)}
        for place, task in enumerate(shard.decisions):
            reads[f"decisions/{place}"] = decisions_read(task, number)
        if self._assigned is not None:
            path = f"{ASSIGNMENT}/{number:05d}.parquet"
            reads["assignment"] = Read(self._assigned, path)
        name = f"write/{shard.key}"
        arguments = {"steps": list(self.steps)}
        return Task(name, write_shard, arguments, reads, n_bytes=shard.n_bytes)


def _place(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else -1
