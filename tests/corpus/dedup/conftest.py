"""Plays the flow: runs the rounds of a step over real Parquet shards, in order."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.decisions import read_decisions
from scratchlm.corpus.flow.rounds import CorpusWork, Shard, ShardWork, decisions_path
from scratchlm.corpus.flow.table import write_documents

MEMORY_BYTES = 10**8


@dataclass
class SmallFlow:
    """A corpus of shards under one directory, and what steps decided about it."""

    directory: Path
    shards: list[Shard]
    priorities: dict[str, float] = field(default_factory=dict)
    n_steps: int = 0

    def run(self, step, memory_bytes=MEMORY_BYTES):
        """Run all rounds, and give the step's decisions by shard."""
        self.n_steps += 1
        earlier = {}
        for round_ in step.rounds:
            out = self.directory / f"step{self.n_steps}" / round_.name
            if round_.scope == "corpus":
                out.mkdir(parents=True)
                given = CorpusWork(
                    step.config,
                    self.shards,
                    earlier,
                    self.priorities,
                    out,
                    memory_bytes,
                )
                round_.function(given)
                earlier[round_.name] = [out] * len(self.shards)
                continue
            outs = [out / str(shard.index) for shard in self.shards]
            for shard, own in zip(self.shards, outs, strict=True):
                own.mkdir(parents=True)
                before = {name: paths[shard.index] for name, paths in earlier.items()}
                alone = Shard(0, shard.source, shard.documents, shard.decisions)
                round_.function(
                    ShardWork(step.config, alone, before, own, memory_bytes)
                )
            earlier[round_.name] = outs
        return self._decided(earlier[step.rounds[-1].name], step.rounds[-1].scope)

    def _decided(self, outs, scope):
        paths = [
            decisions_path(out, shard.index if scope == "corpus" else 0)
            for shard, out in zip(self.shards, outs, strict=True)
        ]
        self.shards = [
            Shard(s.index, s.source, s.documents, (*s.decisions, path))
            for s, path in zip(self.shards, paths, strict=True)
        ]
        return [read_decisions(path) for path in paths]

    def documents(self):
        """What is left, over all shards in order."""
        return [
            document
            for shard in self.shards
            for batch in shard.batches()
            for document in batch.documents()
        ]

    def texts(self):
        """What is left, by id."""
        return {document.id: document.text for document in self.documents()}


@pytest.fixture
def small_flow(tmp_path):
    """`small_flow([[documents of shard 0], …], priorities={}, name="a")`."""

    def make(shards, priorities=None, name="corpus"):
        directory = tmp_path / name
        directory.mkdir()
        made = []
        for index, documents in enumerate(shards):
            path = directory / f"{index}.parquet"
            write_documents(path, documents)
            source = documents[0].source if documents else "empty"
            made.append(Shard(index, source, path))
        return SmallFlow(directory, made, dict(priorities or {}))

    return make


@pytest.fixture
def document():
    """`document("a", "text", source="web", url=…)`."""

    def make(id, text, source="made", **metadata):
        return Document(id, text, source, metadata)

    return make
