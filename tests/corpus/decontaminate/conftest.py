"""Made-up evaluation items, and steps run through the real flow."""

import importlib
import json
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from scratchlm.corpus.decontaminate.item_fields import Item
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.decisions import read_decisions
from scratchlm.corpus.flow.executor import InProcess
from scratchlm.corpus.flow.graph import Graph
from scratchlm.corpus.flow.rounds import Shard, decisions_path
from scratchlm.corpus.flow.stages import (
    DOCUMENTS,
    ShardTasks,
    run_step,
    write_canaries,
)
from scratchlm.corpus.flow.task import Task

SOUNDS = [a + b for a in ("br", "dw", "fl", "gn", "sk", "tw", "zh") for b in "aeiouy"]


@pytest.fixture(scope="session")
def sentence():
    """`sentence(seed, n_words)`: words that no prose of the corpus tests holds."""

    def make(seed, n_words):
        draw = random.Random(f"item {seed}")
        words = ["".join(draw.choices(SOUNDS, k=3)) for _ in range(n_words)]
        return " ".join(words).capitalize()

    return make


@pytest.fixture(scope="session")
def quiz(sentence):
    """`quiz(n, n_words)`: n items with a question, four choices and an answer."""

    def make(n, n_words=30, first=0):
        found = []
        for number in range(first, first + n):
            choices = tuple(sentence(f"{number} {place}", 4) for place in range(4))
            prompt = sentence(number, n_words) + "?"
            found.append(Item("quiz", str(number), (prompt,), choices, (choices[1],)))
        return found

    return make


@pytest.fixture
def quiz_file(tmp_path):
    """`quiz_file(items)`: the path of a file that holds them."""

    def write(items, name="quiz.jsonl"):
        path = tmp_path / name
        rows = [
            {
                "id": item.id,
                "question": item.prompts[0],
                "choices": list(item.choices),
                "answer": item.answers[0],
            }
            for item in items
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


@dataclass
class Outcome:
    """What a step left: its directory, decisions and rest of each shard."""

    out: Path
    decisions: list
    shards: list

    def texts(self):
        """What is left of the documents, by id."""
        documents = [
            document
            for shard in self.shards
            for batch in shard.batches()
            for document in batch.documents()
        ]
        return {document.id: document.text for document in documents}

    def files(self):
        """All bytes of the step's last round."""
        return {
            path.relative_to(self.out).as_posix(): path.read_bytes()
            for path in sorted(self.out.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def run_flow(tmp_path):
    """`run_flow(step, [[documents of shard 0], …], executor, memory)`."""
    n_runs = 0

    def run(step, shards, executor=None, memory=10**9):
        nonlocal n_runs
        n_runs += 1
        graph = Graph(tmp_path / f"work{n_runs}", executor or InProcess(), memory)
        tasks = []
        for number, documents in enumerate(shards):
            write = Task(f"read/{number}", write_canaries, {"documents": documents})
            graph.run([write])
            tasks.append(ShardTasks(str(number), documents[0].source, write.name))
        out = graph.path(run_step(graph, step, tasks, {})[0])
        left = []
        for number, task in enumerate(tasks):
            path = graph.path(task.documents, DOCUMENTS)
            decided = decisions_path(out, number)
            left.append(Shard(number, task.source, path, (decided,)))
        decisions = [read_decisions(decisions_path(out, n)) for n in range(len(shards))]
        return Outcome(out, decisions, left)

    return run


@pytest.fixture(scope="session")
def carrier(prose):
    """`carrier(id, leak, seed)`: a document of prose, a leak in the middle of it."""

    def make(id, leak="", seed=0, source="made"):
        first, second = prose(2 * seed, 150), prose(2 * seed + 1, 150)
        text = f"{first} {leak}. {second}" if leak else first + second
        return Document(id, text, source)

    return make


@pytest.fixture
def disguises(repository, monkeypatch):
    """The benchmark's: name → function (text, random.Random)."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return importlib.import_module("corpus_decontaminate").DISGUISES
