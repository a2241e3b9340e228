import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.executor import (
    InProcess,
    LocalPool,
    build_executor,
    choose_workers,
)
from scratchlm.corpus.flow.graph import Graph
from scratchlm.corpus.flow.stages import write_canaries
from scratchlm.corpus.flow.task import Call, Task
from scratchlm.corpus.options import BuildOptions


def die(inputs, arguments, out, memory):
    """Die as often as there are files to take away."""
    left = sorted(arguments["folder"].iterdir())
    if left:
        left[0].unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    (out / "done").write_text("x")


def wait_alone(inputs, arguments, out, memory):
    """Leave a mark for a while; nobody else may have left the same."""
    mark = arguments["folder"] / "alone" / out.name.split(".")[1]
    mark.touch(exist_ok=False)
    time.sleep(2)
    mark.unlink()


def tasks(n=6):
    return [
        Task(
            f"some/{i}",
            write_canaries,
            {"documents": (Document(f"{i}", "x" * i, "s"),)},
        )
        for i in range(n)
    ]


def outputs(work, executor, some):
    graph = Graph(work, executor, 10**9)
    try:
        graph.run(some)
    finally:
        executor.close()
    return {name: done.sha256() for name, done in graph.done.items()}


def test_processes_do_what_one_process_does(tmp_path):
    alone = outputs(tmp_path / "a", InProcess(), tasks())
    assert outputs(tmp_path / "b", LocalPool(2), tasks()) == alone


def test_ray_does_what_one_process_does(tmp_path):
    pytest.importorskip("ray")
    alone = outputs(tmp_path / "a", InProcess(), tasks())
    assert outputs(tmp_path / "b", build_executor("ray", 2), tasks()) == alone


def test_a_worker_that_dies_costs_time_only(tmp_path):
    (tmp_path / "lives").mkdir()
    (tmp_path / "lives" / "1").touch()
    hidden = {"folder": tmp_path / "lives"}
    some = [*tasks(3), Task("some/deadly", die, hidden=hidden)]
    found = outputs(tmp_path / "work", LocalPool(2), some)
    assert sorted(found) == ["some/0", "some/1", "some/2", "some/deadly"]


def test_a_task_never_runs_twice_at_once_when_a_worker_dies(tmp_path):
    def call(name, function):
        hidden = {"folder": tmp_path}
        return Call(Task(name, function, hidden=hidden), "", {}, tmp_path / name, 1)

    (tmp_path / "alone").mkdir()
    pool = LocalPool(2)
    try:
        pool.submit(call("first", wait_alone))
        while not list((tmp_path / "alone").iterdir()):
            time.sleep(0.01)
        for process in psutil.Process().children():
            if "spawn_main" in " ".join(process.cmdline()):
                process.kill()
        while not next(iter(pool._calls)).done():
            time.sleep(0.01)
        (tmp_path / "alone" / "first").unlink()
        pool.submit(call("second", wait_alone))  # to processes that are no more
        found = []
        while len(found) < 2:
            found += [call.task.name for call in pool.finished()]
    finally:
        pool.close()
    assert sorted(found) == ["first", "second"]


def test_a_task_that_always_kills_its_worker_is_named(tmp_path):
    (tmp_path / "lives").mkdir()
    for number in range(9):
        (tmp_path / "lives" / str(number)).touch()
    hidden = {"folder": tmp_path / "lives"}
    with pytest.raises(UserError, match=r"some/deadly died 3 times"):
        outputs(tmp_path / "w", LocalPool(1), [Task("some/deadly", die, hidden=hidden)])


def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path):
    code = (
        "import sys, time; from pathlib import Path;"
        "from scratchlm.corpus.flow.executor import LocalPool;"
        "pool = LocalPool(2);"
        "[pool._pool.submit(time.sleep, 600) for _ in range(2)];"
        "print(*pool._pool._processes, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    workers = [psutil.Process(int(word)) for word in driver.stdout.readline().split()]
    driver.kill()
    driver.wait()
    driver.stdout.close()
    assert len(workers) == 2
    assert psutil.wait_procs(workers, timeout=30)[1] == []


def test_memory_limits_the_number_of_workers():
    assert choose_workers(None, 100 * 10**6) == 1
    assert choose_workers(5, 100 * 10**6) == 5
    assert choose_workers(None, 10**12) >= 1


def test_an_unknown_place_is_refused():
    for on in ("mars", "ray:", "local:x"):
        with pytest.raises(UserError, match="say local, ray"):
            BuildOptions(on=on)
