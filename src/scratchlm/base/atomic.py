"""Atomic writes: a reader sees the old content or the new one, never a part.

Written to a temporary name beside the target, flushed to the disk, then renamed
(POSIX rename(2) is atomic within a file system).
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scratchlm.base.errors import UserError

_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` when the block ends well.

    Raises:
        UserError: the disk is full; whatever stood at `path` is still there.
    """
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    with _disk_errors(path, errno.ENOENT):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _disk_errors(path):
            yield temporary
            _sync(temporary)
            temporary.replace(path)
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield a temporary directory that becomes `path` when the block ends well.

    A directory that stood at `path` is replaced (moved aside, then deleted).
    """
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    with _disk_errors(path, errno.ENOENT):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
    try:
        with _disk_errors(path):
            yield temporary
            for file in sorted(temporary.rglob("*")):
                _sync(file)
            _replace_directory(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write a JSON value atomically, readable by people, ending in a newline."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is missing, truncated, or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise UserError(
            f"{path} is not readable as JSON ({error}); delete it to make it anew"
        ) from None


def remove_leftovers(directory: Path) -> None:
    """Delete temporary files that a killed process left in a directory tree."""
    for path in sorted(directory.rglob(".*.tmp-*")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _replace_directory(source: Path, target: Path) -> None:
    _sync(source)
    old = target.with_name(f".{target.name}.tmp-old-{os.getpid()}")
    if target.exists():
        target.rename(old)
    source.rename(target)
    _sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open directories
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _concerns(error: OSError, path: Path) -> bool:
    """Is the error about the place of `path`, not about something read meanwhile?"""
    named = Path(str(error.filename))
    return path.parent.is_relative_to(named) or named.is_relative_to(path.parent)


@contextmanager
def _disk_errors(path: Path, *more: int) -> Iterator[None]:
    """Errors of the disk as lines for a person; `more` numbers mean it as well."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"the disk is full while writing {path}; free some space and run "
                "the same command again: nothing that was finished is lost"
            ) from error
        if error.errno in (*_NOT_WRITABLE, *more) and _concerns(error, path):
            raise UserError(
                f"{path} cannot be written ({error.strerror}); choose another place"
            ) from error
        raise
