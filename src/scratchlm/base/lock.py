"""A lock on a directory: one process works there, a second one is refused."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from scratchlm.base.errors import UserError

LOCK_NAME = "run.lock"


class DirectoryLock:
    """Held by one process; the system frees it even after `kill -9`.

    The file stays when the lock is released: a second process might already wait on
    it, and a third would make another.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock: FileLock | None = None

    def acquire(self) -> None:
        """Take the lock, making the directory; does nothing where it is held already.

        Raises:
            UserError: another process holds it.
        """
        if self._lock is not None:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.directory / LOCK_NAME)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"another process is working in {self.directory} (it holds "
                f"{self.directory / LOCK_NAME}); wait for it, or choose another place"
            ) from None
        self._lock = lock

    def release(self) -> None:
        """Let go."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def is_held(self) -> bool:
        """Whether somebody works in the directory at this moment; makes nothing."""
        if self._lock is not None:
            return True
        if not (self.directory / LOCK_NAME).exists():
            return False
        try:
            self.acquire()
        except UserError:
            return True
        self.release()
        return False

    def __enter__(self) -> DirectoryLock:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
