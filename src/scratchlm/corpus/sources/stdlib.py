"""The standard library of the Python that runs, as a source like any other."""

import os
import sys
import sysconfig
from pathlib import Path

from scratchlm.base.hashing import sha256_file, sha256_json
from scratchlm.corpus.source_stdlib import LEFT_OUT_FOLDERS
from scratchlm.corpus.sources.config import STDLIB
from scratchlm.corpus.sources.piece import Piece


def stdlib_piece(source: str, root: Path | None = None) -> Piece:
    """The library under `root` (this Python's) as one piece.

    Its fingerprint is that of the Python version and of all source files.
    """
    where = root or Path(sysconfig.get_paths()["stdlib"])
    files: list[tuple[str, int, str]] = []
    for folder, folders, names in os.walk(where):
        folders[:] = set(folders) - LEFT_OUT_FOLDERS
        for path in (Path(folder, name) for name in names if name.endswith(".py")):
            place = path.relative_to(where).as_posix()
            files.append((place, path.stat().st_size, sha256_file(path)))
    version = ".".join(map(str, sys.version_info[:3]))
    fingerprint = sha256_json({"python": version, "files": sorted(files)})
    n_bytes = sum(size for _, size, _ in files)
    return Piece(STDLIB, str(where), n_bytes, fingerprint, kind=STDLIB, source=source)
