"""The tasks of a build: read every shard, run every round of every step, write.

read/<shard>                       documents.parquet, receipt.json
<step>.<round>/<shard> or /all     what rounds leave for each other; decisions
write/<shard>                      train, heldout, removed, receipt
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scratchlm.corpus.flow.apply_rules import DeadCanaryError
from scratchlm.corpus.flow.decisions import read_decisions
from scratchlm.corpus.flow.graph import Graph
from scratchlm.corpus.flow.rounds import (
    CorpusStep,
    CorpusWork,
    Round,
    Shard,
    ShardWork,
)
from scratchlm.corpus.flow.table import write_documents
from scratchlm.corpus.flow.task import Read, Task

DOCUMENTS = "documents.parquet"
ALL = "/all"


@dataclass
class ShardTasks:
    """One shard in the graph: who wrote its documents, who decided about them."""

    key: str
    source: str
    documents: str
    decisions: list[str] = field(default_factory=list)
    n_bytes: int = 1


@dataclass(frozen=True)
class Earlier:
    """Tasks of an earlier round: one a shard, or the one for all."""

    name: str
    tasks: Sequence[str]


def run_step(
    graph: Graph,
    step: CorpusStep,
    shards: Sequence[ShardTasks],
    priorities: Mapping[str, float],
) -> Sequence[str]:
    """Run all rounds of a step and give the task that decided on each shard.

    Raises:
        DeadCanaryError: the step decided nothing about its canaries.
    """
    shards = [*shards, *_canary_shard(graph, step)]
    earlier: list[Earlier] = []
    for round_ in step.rounds:
        if round_.scope == "shard":
            tasks = [
                _shard_round(step, round_, number, shard, earlier)
                for number, shard in enumerate(shards)
            ]
        else:
            tasks = [_corpus_round(step, round_, shards, earlier, priorities)]
        graph.run(tasks, f"{step.name}: {round_.name}")
        names = [task.name for task in tasks]
        whole = names * len(shards) if round_.scope == "corpus" else names
        earlier.append(Earlier(round_.name, whole))
    deciding = earlier[-1].tasks
    if step.canaries:
        read = decisions_read(deciding[-1], len(shards) - 1)
        _require_decisions(step, graph.path(read.task, read.path))
    return deciding


def _canary_shard(graph: Graph, step: CorpusStep) -> list[ShardTasks]:
    if not step.canaries:
        return []
    name = f"canary/{step.name}"
    arguments = {"documents": step.canaries}
    graph.run([Task(name, write_canaries, arguments)])
    return [ShardTasks("canary", step.canaries[0].source, name)]


def write_canaries(
    inputs: Mapping[str, Path], arguments: Mapping[str, Any], out: Path, memory: int
) -> None:
    """The task that writes a step's canaries as a shard."""
    write_documents(out / DOCUMENTS, arguments["documents"])


def _require_decisions(step: CorpusStep, path: Path) -> None:
    if not path.exists() or not read_decisions(path):
        raise DeadCanaryError(
            f"the step {step.name} found nothing in documents planted for it: it does "
            "nothing as it is configured; check its settings"
        )


def _task(
    name: str,
    step: CorpusStep,
    round_: Round,
    function: Callable[..., None],
    arguments: Mapping[str, Any],
    reads: Mapping[str, Read],
    n_bytes: int,
) -> Task:
    called = round_.function
    return Task(
        name,
        function,
        {
            "step": step.name,
            "round": round_.name,
            "called": f"{called.__module__}:{called.__qualname__}",
            "config": step.config,
            **arguments,
        },
        reads,
        hidden={"function": called},
        alone=round_.scope == "corpus",
        n_bytes=n_bytes,
    )


def _shard_round(
    step: CorpusStep,
    round_: Round,
    number: int,
    shard: ShardTasks,
    earlier: Sequence[Earlier],
) -> Task:
    reads = _shard_reads("", number, shard)
    reads |= {
        f"earlier/{before.name}": Read(before.tasks[number]) for before in earlier
    }
    arguments = {"source": shard.source, "n_decided": len(shard.decisions)}
    name = f"{step.name}.{round_.name}/{shard.key}"
    return _task(name, step, round_, run_shard_round, arguments, reads, shard.n_bytes)


def _corpus_round(
    step: CorpusStep,
    round_: Round,
    shards: Sequence[ShardTasks],
    earlier: Sequence[Earlier],
    priorities: Mapping[str, float],
) -> Task:
    reads: dict[str, Read] = {}
    for number, shard in enumerate(shards):
        reads |= _shard_reads(f"{number}/", number, shard)
        for before in earlier:
            reads[f"{number}/earlier/{before.name}"] = Read(before.tasks[number])
    arguments = {
        "sources": [shard.source for shard in shards],
        "n_decided": [len(shard.decisions) for shard in shards],
        "earlier": [before.name for before in earlier],
        "priorities": dict(priorities),
    }
    n_bytes = sum(shard.n_bytes for shard in shards)
    name = f"{step.name}.{round_.name}{ALL}"
    return _task(name, step, round_, run_corpus_round, arguments, reads, n_bytes)


def _shard_reads(prefix: str, number: int, shard: ShardTasks) -> dict[str, Read]:
    reads = {f"{prefix}documents": Read(shard.documents, DOCUMENTS)}
    for place, task in enumerate(shard.decisions):
        reads[f"{prefix}decisions/{place}"] = decisions_read(task, number)
    return reads


def decisions_read(task: str, number: int) -> Read:
    """A deciding task's file on shard `number`; one that decides for a single shard
    knows it as 0.
    """
    own = 0 if not task.endswith(ALL) else number
    return Read(task, f"decisions/{own:05d}.parquet")


def _shard(
    inputs: Mapping[str, Path], prefix: str, number: int, source: str, n_decided: int
) -> Shard:
    paths = [inputs[f"{prefix}decisions/{place}"] for place in range(n_decided)]
    existing = tuple(path for path in paths if path.exists())
    return Shard(number, source, inputs[f"{prefix}documents"], existing)


def run_shard_round(
    inputs: Mapping[str, Path], arguments: Mapping[str, Any], out: Path, memory: int
) -> None:
    """The task of a round of scope "shard"."""
    # Shards' numbers shift when a file is added; what a shard round writes must not.
    shard = _shard(inputs, "", 0, arguments["source"], arguments["n_decided"])
    earlier = {
        name.removeprefix("earlier/"): path
        for name, path in inputs.items()
        if name.startswith("earlier/")
    }
    work = ShardWork(arguments["config"], shard, earlier, out, memory)
    arguments["function"](work)


def run_corpus_round(
    inputs: Mapping[str, Path], arguments: Mapping[str, Any], out: Path, memory: int
) -> None:
    """The task of a round of scope "corpus"."""
    pairs = zip(arguments["sources"], arguments["n_decided"], strict=True)
    shards = [
        _shard(inputs, f"{number}/", number, source, n_decided)
        for number, (source, n_decided) in enumerate(pairs)
    ]
    earlier = {
        name: [inputs[f"{shard.index}/earlier/{name}"] for shard in shards]
        for name in arguments["earlier"]
    }
    priorities = arguments["priorities"]
    arguments["function"](
        CorpusWork(arguments["config"], shards, earlier, priorities, out, memory)
    )
