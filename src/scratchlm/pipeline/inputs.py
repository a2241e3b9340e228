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
from scratchlm.corpus.sources.config import STDLIB, SourceConfig
from scratchlm.corpus.walk import find_files

UNREADABLE = "unreadable"


def hash_inputs(config: CorpusConfig) -> dict[str, str]:
    """Hash every input file; names are relative, so that folders may be moved.

    The standard library counts as one input, named after this Python.

    Raises:
        UserError: a file or folder that the config names does not exist.
    """
    hashes: dict[str, str] = {}
    for source in config.all_sources():
        hashes |= _hash_source(source)
    named = (*config.decontaminate.files, *config.filters.bad_words.lists.values())
    for setting in named:
        for file in find_files([setting], Step("files")):
            hashes[f"settings/{file.name}"] = _hash(file.path)
    for kind, path in (("chat", config.chat), ("preferences", config.preferences)):
        if path is not None:
            hashes[kind] = _hash_named(Path(path))
    return hashes


def count_input_bytes(config: CorpusConfig) -> int:
    """Size of the text on disk, in bytes, as it is (perhaps compressed)."""
    total = 0
    for source in config.all_sources():
        if STDLIB in source.paths:
            total += sum(path.stat().st_size for path in _source_paths())
        local, _ = _local_and_remote(source)
        total += sum(file.n_bytes for file in find_files(local, Step("files")))
    return total


def _hash_source(source: SourceConfig) -> dict[str, str]:
    """Local files by content; what lies elsewhere by its address alone."""
    hashes: dict[str, str] = {}
    if STDLIB in source.paths:
        name = f"standard library of Python {platform.python_version()}"
        hashes[name] = sha256_json(dict(_hash_sources()))
    local, remote = _local_and_remote(source)
    for file in find_files(local, Step("files")):
        hashes[f"{source.name}/{file.name}"] = _hash(file.path)
    return hashes | {f"{source.name}/{path}": path for path in remote}


def _local_and_remote(source: SourceConfig) -> tuple[list[str], list[str]]:
    paths = [path for path in source.paths if path != STDLIB]
    remote = [path for path in paths if "://" in path or path.startswith("urls:")]
    return [path for path in paths if path not in remote], remote


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
