"""Find a person's files: folders in sorted order, links followed but never in circles.

A file has the name of what was asked for and its path below it: `notes/a/b.txt` for
b.txt found in the folder /home/me/notes. No absolute path leaves this module.
"""

import errno
import glob
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.corpus.clean import printable_name
from scratchlm.corpus.receipt import Step

CIRCLE = "symbolic link in a circle"
CACHE_TAG = "CACHEDIR.TAG"  # bford.info/cachedir: what backups leave out, too
CACHE_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"
OWN_MANIFEST, OWN_FORMAT = "manifest.json", b'"format": "scratchlm-corpus"'
DEEPEST = 100

_Identity = tuple[int, int]  # device and inode


@dataclass(frozen=True)
class FoundFile:
    """A regular file, its name in the corpus and its size."""

    name: str
    path: Path
    n_bytes: int


def find_files(
    paths: Sequence[str], step: Step, named_by: str = "the path given with --text"
) -> list[FoundFile]:
    """All files under `paths`, sorted by name, each once.

    Hidden files in folders, links in a circle, broken links, pipes and devices,
    folders that may not be entered, caches (folders with a CACHEDIR.TAG, as the work
    directory of a build): dropped into `step` with their reason. Corpora that were
    built are passed over unless they are named, so that `--out` may lie in a folder
    that is read.
    A path may be a pattern (`crawl/*.gz`, `**/*.md`). `named_by` tells the person
    where the paths were said.

    Raises:
        UserError: one of `paths` does not exist.
    """
    found: list[FoundFile] = []
    for name, root in _name_roots(paths):
        if not root.exists():
            raise UserError(f"{root} does not exist; check {named_by}")
        found += _visit(name, root, (), step)
    found.sort(key=lambda file: file.name)
    return list(_once(found, step))


def _name_roots(paths: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """A name for each path: its last part, numbered where two are called alike.

    What a pattern matches is called by its path below the pattern's fixed folder.
    """
    used: dict[str, int] = {}
    for text in sorted(set(paths)):
        path = Path(text).expanduser()
        folder = _fixed_folder(path)
        name = _printable((folder or path).resolve().name) or "root"
        used[name] = used.get(name, 0) + 1
        name = name if used[name] == 1 else f"{name}~{used[name]}"
        matches = _matches(path) if folder is not None else []
        for match in matches:
            below = match.relative_to(folder or path).parts
            yield "/".join((name, *map(_printable, below))), match
        if not matches:
            yield name, path


def _fixed_folder(path: Path) -> Path | None:
    """The folder before the first part with * ? or [; None for a plain path."""
    parts = path.parts
    first = next((i for i, part in enumerate(parts) if glob.has_magic(part)), None)
    return None if first is None or path.exists() else Path(*parts[:first])


def _matches(path: Path) -> list[Path]:
    """What a pattern matches, but nothing inside of a folder that it matches too."""
    matches = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207
    found = set(matches)
    return [match for match in matches if found.isdisjoint(match.parents)]


def _visit(
    name: str, path: Path, above: tuple[_Identity, ...], step: Step
) -> Iterator[FoundFile]:
    try:
        status = path.stat()
    except OSError as error:
        step.drop(name, _unreadable(error))
        return
    if stat.S_ISDIR(status.st_mode):
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            step.drop(name, CIRCLE)
            return
        if len(above) >= DEEPEST:
            step.drop(name, f"more than {DEEPEST} folders deep")
            return
        yield from _visit_folder(name, path, (*above, identity), step)
    elif stat.S_ISREG(status.st_mode):
        yield FoundFile(name, path, status.st_size)
    else:
        step.drop(name, "neither file nor folder")


def _visit_folder(
    name: str, path: Path, above: tuple[_Identity, ...], step: Step
) -> Iterator[FoundFile]:
    try:
        children = sorted(os.listdir(path))  # noqa: PTH208  (names, not paths)
    except OSError as error:
        step.drop(name, _unreadable(error))
        return
    if len(above) > 1 and CACHE_TAG in children:
        step.drop(name, "a cache")
        return
    if len(above) > 1 and OWN_MANIFEST in children and _is_corpus(path):
        return
    for child in children:
        child_name = f"{name}/{_printable(child)}"
        if child.startswith("."):
            step.drop(child_name, "hidden")
        else:
            yield from _visit(child_name, path / child, above, step)


def _is_corpus(path: Path) -> bool:
    """Did a build make this folder?"""
    try:
        with (path / OWN_MANIFEST).open("rb") as file:
            return OWN_FORMAT in file.read(100)
    except OSError:
        return False


def _once(files: Sequence[FoundFile], step: Step) -> Iterator[FoundFile]:
    seen: dict[_Identity, str] = {}
    names: set[str] = set()
    for file in files:
        status = file.path.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            step.drop(file.name, f"the same file as {seen[identity]}")
        elif file.name in names:  # two undecodable names that print alike
            step.drop(file.name, "a name that another file has")
        else:
            seen[identity] = file.name
            names.add(file.name)
            yield file


def _printable(name: str) -> str:
    """A file name as UTF-8 on one line, whatever the file system holds."""
    return printable_name(os.fsencode(name).decode("utf-8", "replace"))


def _unreadable(error: OSError) -> str:
    known = {errno.ELOOP: CIRCLE, errno.ENOENT: "broken link"}
    return known.get(error.errno or 0, f"unreadable: {error.strerror}")
