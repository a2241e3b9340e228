"""Run tasks in the order of what they read from each other, those not yet done.

A task is ready when all that it reads is done. Results depend on the graph alone:
which task runs first, where, and how many at a time changes no byte.
"""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_bytes
from scratchlm.corpus.flow.executor import Executor
from scratchlm.corpus.flow.task import DONE, Call, Done, Task, read_done, task_key


class Graph:
    """The tasks of one build over one work directory."""

    def __init__(
        self,
        work: Path,
        executor: Executor,
        memory_bytes: int,
        progress: Progress = SILENT,
    ) -> None:
        self.work = work
        self.done: dict[str, Done] = {}
        self.n_run = 0
        self.seconds: dict[str, float] = {}
        self._executor = executor
        self._memory_bytes = memory_bytes
        self._progress = progress

    def run(self, tasks: Sequence[Task], label: str = "") -> None:
        """Run all tasks that are not done; what they read must be among them or done.

        `label` names them where progress is shown; without one nothing is.

        Raises:
            whatever a task raised; what other tasks finished is kept.
        """
        began = time.monotonic()
        waiting = {task.name: task for task in tasks if task.name not in self.done}
        total = sum(task.n_bytes for task in waiting.values())
        running: dict[str, Task] = {}
        while waiting or running:
            self._start(waiting, running)
            left = sum(t.n_bytes for t in (*waiting.values(), *running.values()))
            if label:
                self._show(label, total - left, total, time.monotonic() - began)
            for call in self._executor.finished():
                done = read_done(call.out)
                assert done is not None and done.key == call.key
                self.done[call.task.name] = done
                del running[call.task.name]
                self.n_run += 1
        took = time.monotonic() - began
        self.seconds[label] = self.seconds.get(label, 0.0) + took

    def path(self, task: str, path: str = "") -> Path:
        """Where a task's output lies."""
        return self.work / task / path if path else self.work / task

    def prune(self) -> None:
        """Delete the directories of finished tasks that this build did not need."""
        for mark in sorted(self.work.glob(f"*/*/{DONE}")):
            if mark.parent.relative_to(self.work).as_posix() not in self.done:
                shutil.rmtree(mark.parent, ignore_errors=True)

    def _show(self, label: str, done: int, total: int, seconds: float) -> None:
        note = f"{label.replace('_', ' ')} · {format_bytes(total)}"
        if done:
            note += f" · {format_bytes(done / max(seconds, 1e-3))}/s"
        self._progress.update(done, total, note)

    def _start(self, waiting: dict[str, Task], running: dict[str, Task]) -> None:
        """Submit what is ready, a few more than there are workers."""
        for task in list(waiting.values()):
            if len(running) > 2 * self._executor.workers:
                return
            if not all(read.task in self.done for read in task.reads.values()):
                continue
            if any(other.alone for other in running.values()):
                return
            if task.alone and running:
                continue
            del waiting[task.name]
            call = self._call(task)
            found = read_done(call.out)
            if found is not None and found.key == call.key:
                self.done[task.name] = found
            else:
                running[task.name] = task
                self._executor.submit(call)

    def _call(self, task: Task) -> Call:
        hashes = {
            name: self.done[read.task].sha256(read.path)
            for name, read in task.reads.items()
        }
        inputs: Mapping[str, Path] = {
            name: self.path(read.task, read.path) for name, read in task.reads.items()
        }
        share = 1 if task.alone else self._executor.workers
        memory = self._memory_bytes // share
        return Call(task, task_key(task, hashes), inputs, self.path(task.name), memory)
