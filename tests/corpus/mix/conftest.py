"""Runs the step that assigns through the real flow."""

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from scratchlm.corpus.flow.executor import InProcess
from scratchlm.corpus.flow.graph import Graph
from scratchlm.corpus.flow.stages import ShardTasks, run_step, write_canaries
from scratchlm.corpus.flow.task import Task
from scratchlm.corpus.flow.write import read_assignment


@dataclass
class Assigned:
    """What was assigned to each document: id → (copies, side)."""

    out: Path
    rows: dict

    @property
    def account(self):
        """mix.json."""
        return json.loads((self.out / "mix.json").read_bytes())

    def side(self, name):
        """Ids on one side."""
        return {id for id, (_, side) in self.rows.items() if side == name}

    def files(self):
        """All bytes of the last round."""
        return {
            path.relative_to(self.out).as_posix(): path.read_bytes()
            for path in sorted(self.out.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def run_assign(tmp_path):
    """`run_assign(step, [[documents of shard 0], …], executor, memory)`."""
    n_runs = 0

    def run(step, shards, executor=None, memory=10**8):
        nonlocal n_runs
        n_runs += 1
        graph = Graph(tmp_path / f"work{n_runs}", executor or InProcess(), memory)
        tasks = []
        for number, documents in enumerate(shards):
            write = Task(f"read/{number}", write_canaries, {"documents": documents})
            graph.run([write])
            tasks.append(ShardTasks(str(number), documents[0].source, write.name))
        out = graph.path(run_step(graph, step, tasks, {})[0])
        rows = {}
        for number, documents in enumerate(shards):
            path = out / "assignment" / f"{number:05d}.parquet"
            assert pq.read_schema(path).names == ["row", "copies", "side"]
            for row, assigned in read_assignment(path).items():
                rows[documents[row].id] = assigned
        return Assigned(out, rows)

    return run
