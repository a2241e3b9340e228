"""Where tasks run: in this process, in a pool of local processes, or on Ray.

An executor takes calls and gives back names as they end. A worker that dies takes
no more with it than time: its calls are run again, and one that kills its worker
three times is named in the error.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from typing import Protocol

from scratchlm.base.allocator import give_back_blocks
from scratchlm.base.errors import UserError
from scratchlm.corpus.flow.task import Call, run_call

MOST_ATTEMPTS = 3
LEAST_MEMORY_BYTES = 128 * 10**6  # what a process of its own must be worth
LEAST_INPUT_BYTES = 16 * 10**6


class Executor(Protocol):
    """Runs calls; `workers` of them at a time."""

    workers: int

    def submit(self, call: Call) -> None:
        """Take a call; it may start at once or when another one ends."""
        ...

    def finished(self) -> Iterator[Call]:
        """Wait until calls end and give them; nothing where none is under way.

        Raises:
            whatever the call raised.
        """
        ...

    def close(self) -> None:
        """Stop everything that still runs."""
        ...


class InProcess:
    """One call after the other, here."""

    workers = 1

    def __init__(self) -> None:
        self._waiting: deque[Call] = deque()

    def submit(self, call: Call) -> None:
        """Take a call; it runs when `finished` is asked."""
        self._waiting.append(call)

    def finished(self) -> Iterator[Call]:
        """Run the oldest call and give it."""
        if self._waiting:
            call = self._waiting.popleft()
            run_call(call)
            yield call

    def close(self) -> None:
        """Forget what waits."""
        self._waiting.clear()


class LocalPool:
    """Processes of this machine, started fresh, so that no state is inherited."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._calls: dict[Future[None], Call] = {}
        self._attempts: dict[str, int] = {}
        self._pool = self._new_pool()

    def submit(self, call: Call) -> None:
        """Start a call when a process is free."""
        try:
            future = self._pool.submit(run_call, call)
        except BrokenProcessPool:  # its other calls are lost too, each started once
            self._start_again([call])
        else:
            self._calls[future] = call

    def finished(self) -> Iterator[Call]:
        """Wait for the next calls to end."""
        done, _ = wait(self._calls, return_when=FIRST_COMPLETED)
        lost = []
        for future in done:
            call = self._calls.pop(future)
            try:
                future.result()
            except BrokenProcessPool:
                lost.append(call)
            else:
                yield call
        if lost:
            self._start_again(lost)

    def close(self) -> None:
        """Cancel what waits and end the processes, busy or not."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            if process.is_alive():
                process.terminate()
        for process in processes:
            process.join()

    def _start_again(self, lost: list[Call]) -> None:
        """All calls of a broken pool are lost: any of them may have broken it."""
        lost += self._calls.values()
        self._calls.clear()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._new_pool()
        for call in lost:
            name = call.task.name
            self._attempts[name] = self._attempts.get(name, 0) + 1
            if self._attempts[name] >= MOST_ATTEMPTS:
                raise UserError(died_line(name))
            self.submit(call)

    def _new_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.workers, context, prepare_worker)


def prepare_worker() -> None:
    """Give memory back early, and end as soon as the process that started this one
    has ended, however: a worker waits on a pipe that it holds open itself.
    """
    give_back_blocks()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def died_line(name: str) -> str:
    """What to say where a task killed its worker again and again."""
    return (
        f"the process that worked on {name} died {MOST_ATTEMPTS} times (out of "
        "memory?); give less with --memory or --workers 1 and run the same command "
        "again: what was finished is kept"
    )


def choose_workers(
    workers: int | None, memory_bytes: int, n_bytes: int | None = None
) -> int:
    """As asked, else one a core, but none that has less than 128 MB to work with, or
    less than 16 MB of the input of `n_bytes` to work on.
    """
    if workers is not None:
        return workers
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    cores = max(cores, 1 if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if n_bytes is not None:
        cores = min(cores, n_bytes // LEAST_INPUT_BYTES)
    return max(1, min(cores, memory_bytes // LEAST_MEMORY_BYTES))


def build_executor(on: str, workers: int) -> Executor:
    """`local` (processes of this machine), `ray` or `ray:ADDRESS`.

    Raises:
        UserError: Ray is not installed or not reached.
    """
    place, _, address = on.partition(":")
    if place == "ray":
        from scratchlm.corpus.flow.ray_executor import RayExecutor

        return RayExecutor(address or None, workers)
    assert on == "local", "BuildOptions takes no other word"
    return InProcess() if workers == 1 else LocalPool(workers)
