"""A task: a function that fills one directory, done once for the same inputs.

A task's directory `work/<name>` appears whole or not at all, with `done.json`: the
key (a hash of the function, its arguments, the code and the content of what it
read), and the size and SHA-256 of every file. A task whose directory bears the right
key is not run again, so that a killed build goes on where it was, and a build with
one more input does what is new and nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import scratchlm
from scratchlm.base.atomic import atomic_directory, read_json, write_json
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_bytes, sha256_file, sha256_json

DONE = "done.json"
CODE_ROOMS = ("corpus", "base", "native")


@dataclass(frozen=True)
class Read:
    """What a task reads of another one: a file of its directory, or all of it ("")."""

    task: str
    path: str = ""


@dataclass(frozen=True)
class Task:
    """One piece of work.

    Attributes:
        name: the directory below the work directory.
        function: a module-level function (inputs, arguments, out, memory_bytes): the
            paths of `reads` by the same names, `arguments` as they are, an empty
            directory to fill, and how much memory it may use.
        arguments: what decides the output beside the inputs; hashed by `described`.
        reads: what it needs of other tasks.
        hidden: arguments that do not decide the output (where a file lies).
        alone: it gets all of the memory, and nothing runs beside it.
        n_bytes: a measure of its work, for the progress.
    """

    name: str
    function: Callable[..., None]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    reads: Mapping[str, Read] = field(default_factory=dict)
    hidden: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = False
    n_bytes: int = 1


@dataclass(frozen=True)
class Call:
    """A task ready to run anywhere that sees the same files."""

    task: Task
    key: str
    inputs: Mapping[str, Path]
    out: Path
    memory_bytes: int


@dataclass(frozen=True)
class Done:
    """What a finished task left."""

    key: str
    files: Mapping[str, str]
    """Relative path → SHA-256."""

    def sha256(self, path: str = "") -> str:
        """Hash of one file, or of the whole directory; "" where there is no such."""
        return self.files.get(path, "") if path else sha256_json(dict(self.files))


def run_call(call: Call) -> None:
    """Run a task and put its directory in place."""
    task = call.task
    _use_little_memory()
    with atomic_directory(call.out) as out:
        arguments = {**task.arguments, **task.hidden}
        task.function(dict(call.inputs), arguments, out, call.memory_bytes)
        files = {
            path.relative_to(out).as_posix(): [path.stat().st_size, sha256_file(path)]
            for path in sorted(out.rglob("*"))
            if path.is_file()
        }
        write_json(out / DONE, {"key": call.key, "files": files})


@cache
def _use_little_memory() -> None:
    """Let tables be allocated so that their memory goes back when they do, and not
    once for each thread: tasks are what runs side by side.
    """
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    pa.set_cpu_count(1)


def read_done(directory: Path) -> Done | None:
    """What stands in a task's directory; None where it is not whole."""
    try:
        value = read_json(directory / DONE)
        files = value["files"]
        if any((directory / name).stat().st_size != files[name][0] for name in files):
            return None
        return Done(value["key"], {name: entry[1] for name, entry in files.items()})
    except (UserError, OSError, KeyError, TypeError, IndexError):
        return None


def task_key(task: Task, inputs: Mapping[str, str]) -> str:
    """The key of a task, given the hashes of what it reads."""
    function = task.function
    return sha256_json(
        {
            "function": f"{function.__module__}:{function.__qualname__}",
            "arguments": described(task.arguments),
            "inputs": dict(inputs),
            "code": code_version(),
        }
    )


def described(value: Any) -> Any:
    """A value as JSON, for hashing.

    Raises:
        TypeError: a type that has no such form, as a path: it must not be hashed.
    """
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return described(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): described(entry) for key, entry in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [described(entry) for entry in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be hashed")


@cache
def code_version() -> str:
    """A hash of the source text that corpus tasks may run."""
    root = Path(scratchlm.__file__).parent
    files = sorted(
        path
        for room in CODE_ROOMS
        for path in (root / room).rglob("*")
        if path.suffix in (".py", ".c", ".h")
    )
    names = [path.relative_to(root).as_posix() for path in files]
    return sha256_json(
        [[n, sha256_bytes(p.read_bytes())] for n, p in zip(names, files, strict=True)]
    )
