"""The checkpoints of one run: written beside the training, found again, pruned.

`save` copies the tensors and returns; a thread writes the copy, flushes it to the
disk, renames it and deletes what the policy no longer keeps. One copy at a time is on
its way. An error of the thread is raised by the next call.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from types import TracebackType

from torch import Tensor

from scratchlm.base.atomic import remove_leftovers
from scratchlm.base.errors import UserError
from scratchlm.base.lock import DirectoryLock
from scratchlm.base.progress import SILENT, Progress
from scratchlm.train.checkpoint_files import (
    Checkpoint,
    DamagedError,
    Stamp,
    read_checkpoint,
    write_checkpoint,
)
from scratchlm.train.checkpoint_folders import folder_step, list_folders, read_metric
from scratchlm.train.checkpoint_policy import CheckpointPolicy, Saved, choose_kept
from scratchlm.train.identity import (
    Change,
    Identity,
    OnChange,
    accepted_note,
    refuse_changes,
)


class CheckpointStore:
    """Writes and finds the checkpoints of the one process that trains here.

    Use as a context manager, or call `close`: it waits for the last write.

    Args:
        directory: holds a folder for each checkpoint.
        policy: which ones stay.
        identity: what the run depends on; None compares nothing.
        on_change: where the identity is not the checkpoint's: refuse to go on, accept,
            or restart: delete the checkpoints and begin anew.
        progress: is told what was passed over or accepted.
    """

    def __init__(
        self,
        directory: Path,
        policy: CheckpointPolicy,
        identity: Identity | None = None,
        *,
        on_change: OnChange = "refuse",
        progress: Progress = SILENT,
    ) -> None:
        self.directory, self.policy, self.identity = directory, policy, identity
        self.on_change, self.progress = on_change, progress
        self._history: tuple[str, ...] = ()
        self._damaged: set[int] = set()
        self._lock = DirectoryLock(directory)
        self._thread: threading.Thread | None = None
        self._on_its_way: list[int] = []
        self._error: Exception | None = None
        self._copies: dict[str, dict[str, Tensor]] = {}

    def save(self, checkpoint: Checkpoint, metric: float | None = None) -> None:
        """Keep a checkpoint; the caller may change its tensors as soon as this returns.

        Args:
            checkpoint: its tensors may lie on any device.
            metric: validation figure, lower is better: decides which is best.

        Raises:
            UserError: this write or, later, the one before met a full disk; whatever
                was saved before is whole. Or another process saves here.
        """
        self.wait()
        self._lock.acquire()
        values = None if self.identity is None else self.identity.values
        stamp = Stamp(metric, values, self._history)
        copied = self._copy(checkpoint)
        work = _caught(lambda: self._write(copied, stamp), self._fail)
        # no daemon: a process that ends in good order ends its last write first
        self._on_its_way = [checkpoint.step]
        self._thread = threading.Thread(target=work, name="checkpoint")
        self._thread.start()
        if not self.policy.asynchronous:
            self.wait()

    def check(self) -> None:
        """Raise the error of a write that has ended by now; costs nothing."""
        if self._error is not None:
            self.wait()

    def wait(self) -> None:
        """Wait until what was saved is on the disk; raise what went wrong."""
        if self._thread is not None:
            self._thread.join()
            self._thread, self._on_its_way = None, []
        error, self._error = self._error, None
        if error is not None:
            raise error

    def close(self) -> None:
        """Wait for the last write and let go of the directory."""
        try:
            self.wait()
        finally:
            self._lock.release()

    def load_newest(self) -> Checkpoint | None:
        """Load the newest checkpoint of which every byte is right; None without any.

        A damaged one is passed over for its predecessor, and said.

        Raises:
            UserError: none of those that are there is whole; the run's identity has
                changed and may not; or another process saves here.
        """
        self.wait()
        if not self.directory.is_dir():
            return None
        self._lock.acquire()
        remove_leftovers(self.directory)
        if self.on_change == "restart":
            self._restart()
        folders = list_folders(self.directory)
        for path in reversed(folders):
            try:
                checkpoint, stamp = read_checkpoint(path)
            except DamagedError as damage:
                self._damaged.add(folder_step(path))
                self.progress.note(f"  {path.name} is damaged ({damage}); passed over")
                continue
            self._compare(path, stamp)
            return checkpoint
        if folders:
            raise UserError(
                f"no checkpoint in {self.directory} is whole or of this version "
                f"({', '.join(path.name for path in folders)}); restore one from a "
                "backup, or give --restart to begin anew"
            )
        return None

    def newest_step(self) -> int | None:
        """The newest checkpoint's step by its name alone; None if there is none.

        One that is on its way counts: the answer does not depend on the disk's speed.
        """
        steps = [folder_step(path) for path in list_folders(self.directory)]
        return max([*steps, *self._on_its_way], default=None)

    def __enter__(self) -> CheckpointStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except Exception as late:
            if error is None:
                raise
            self.progress.note(f"  {late}")  # must not hide what ended the run

    def _copy(self, checkpoint: Checkpoint) -> Checkpoint:
        """Copy into memory that was used for the last copy: new pages cost time."""
        tensors: dict[str, dict[str, Tensor]] = {}
        for section, held in checkpoint.tensors.items():
            before = self._copies.get(section, {})
            tensors[section] = {
                name: _copy_into(before.get(name), tensor.detach())
                for name, tensor in held.items()
            }
        self._copies = tensors
        return Checkpoint(checkpoint.step, tensors, deepcopy(dict(checkpoint.state)))

    def _compare(self, path: Path, stamp: Stamp) -> None:
        self._history = stamp.history
        if self.identity is None or stamp.identity is None:
            return
        changes = self.identity.changes_since(stamp.identity)
        if not changes:
            return
        if self.on_change == "refuse":
            raise refuse_changes(changes, f"checkpoint {path}")
        self.progress.note(f"  {accepted_note(changes, path.name)}")
        self._history += tuple(_record(path, change) for change in changes)

    def _restart(self) -> None:
        for path in list_folders(self.directory):
            _remove(path)
        self.on_change = "refuse"  # once: a rollback must find what was saved since

    def _write(self, checkpoint: Checkpoint, stamp: Stamp) -> None:
        write_checkpoint(self.directory, checkpoint, stamp)
        self._damaged.discard(checkpoint.step)
        self._prune(checkpoint.step)

    def _prune(self, newest: int) -> None:
        """Delete what the policy does not keep, and an abandoned future."""
        folders = {folder_step(path): path for path in list_folders(self.directory)}
        usable = [s for s in folders if s <= newest and s not in self._damaged]
        saved = [Saved(step, read_metric(folders[step])) for step in usable]
        kept = choose_kept(saved, self.policy)
        for step, path in folders.items():
            if step not in kept:
                _remove(path)

    def _fail(self, error: Exception) -> None:
        self._error = error


def check_fit(
    saved: Mapping[str, Tensor], wanted: Mapping[str, Tensor], what: str
) -> None:
    """Hold a section of a checkpoint against the tensors that it shall fill.

    Raises:
        UserError: a tensor is missing or has another shape; accepted or not, the run
            cannot go on from there.
    """
    for name, tensor in wanted.items():
        shape = tuple(saved[name].shape) if name in saved else _MISSING
        if shape != tuple(tensor.shape):
            raise UserError(
                f"the checkpoint cannot be continued with these settings: its {what} "
                f"{name} is {shape}, and {tuple(tensor.shape)} is wanted; put the "
                "settings back, or give --restart to begin anew"
            )


_MISSING = "missing"


def _copy_into(before: Tensor | None, tensor: Tensor) -> Tensor:
    if before is None or (before.shape, before.dtype) != (tensor.shape, tensor.dtype):
        return tensor.to("cpu", copy=True).contiguous()
    return before.copy_(tensor)


def _caught(
    work: Callable[[], None], fail: Callable[[Exception], None]
) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except Exception as error:
            fail(error)

    return run


def _record(path: Path, change: Change) -> str:
    return f"step {folder_step(path)}: {change}"


def _remove(path: Path) -> None:
    """Delete a folder so that half of it is never found under its name."""
    doomed = path.with_name(f".{path.name}.tmp-doomed")
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)
