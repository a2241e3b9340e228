"""The files that a journey starts from, by content: the first stage's key."""

from __future__ import annotations

import os
import platform
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_file, sha256_json
from scratchlm.corpus import CorpusConfig
from scratchlm.corpus.receipt import Step
from scratchlm.corpus.source_stdlib import LEFT_OUT_FOLDERS
from scratchlm.corpus.walk import find_files

UNREADABLE = "unreadable"


def hash_inputs(config: CorpusConfig) -> dict[str, str]:
    """Hash every input file; names are relative, so that folders may be moved.

    The standard library counts as one input, named after this Python.

    Raises:
        UserError: a file or folder that the config names does not exist.
    """
    hashes: dict[str, str] = {}
    if config.source == "stdlib":
        name = f"standard library of Python {platform.python_version()}"
        hashes[name] = sha256_json(dict(_hash_sources()))
    else:
        files = find_files(config.paths, Step("files"))
        hashes |= {f"text/{file.name}": _hash(file.path) for file in files}
    for kind, path in (("chat", config.chat), ("preferences", config.preferences)):
        if path is not None:
            hashes[kind] = _hash_named(Path(path))
    return hashes


def count_input_bytes(config: CorpusConfig) -> int:
    """Size of the text on disk, in bytes, as it is (perhaps compressed)."""
    if config.source == "stdlib":
        return sum(path.stat().st_size for path in _source_paths())
    return sum(file.n_bytes for file in find_files(config.paths, Step("files")))


def _hash_sources() -> Iterator[tuple[str, str]]:
    root = _library()
    for path in _source_paths():
        yield path.relative_to(root).as_posix(), _hash(path)


def _source_paths() -> Iterator[Path]:
    for folder, folders, files in os.walk(_library()):
        folders[:] = sorted(set(folders) - LEFT_OUT_FOLDERS)
        yield from (Path(folder, name) for name in sorted(files) if name[-3:] == ".py")


def _library() -> Path:
    return Path(sysconfig.get_paths()["stdlib"])


def _hash(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:
        return UNREADABLE  # the corpus stage skips it and says so


def _hash_named(path: Path) -> str:
    if not path.is_file():
        raise UserError(f"{path} does not exist or is not a file")
    return sha256_file(path)
