"""From what a person names to files: paths, URLs of stores, lists, datasets.

Names come from what was asked for, never from where a machine keeps it, and are
unique in a source: a second folder of the same name is called `name~2`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress
from scratchlm.corpus.receipt import Receipt, Step
from scratchlm.corpus.sources.config import STDLIB, SourceConfig
from scratchlm.corpus.sources.downloads import download_file
from scratchlm.corpus.sources.huggingface import find_dataset_files
from scratchlm.corpus.sources.located import Located
from scratchlm.corpus.sources.pages import fetch_pages
from scratchlm.corpus.sources.remote import find_remote_files, store_errors
from scratchlm.corpus.sources.streams import HUB, is_remote, open_location
from scratchlm.corpus.walk import find_files

LIST = "urls:"
NAMED_FILES = 1000


def locate_files(
    source: SourceConfig, cache: Path, receipt: Receipt, progress: Progress = SILENT
) -> list[Located]:
    """All files of a source, sorted by name; the standard library is not among them.

    Pages of lists are fetched into `cache`. What is left out is counted in the step
    "files" of the receipt, pages in "fetch".

    Raises:
        UserError: a path does not exist, or a store does not answer.
    """
    lists = sorted({path for path in source.paths if path.startswith(LIST)})
    if lists:
        receipt.step("fetch", "pages", NAMED_FILES)  # pages come before files
    step = receipt.step("files", "files", NAMED_FILES)
    local = [path for path in source.paths if _is_local(path)]
    remote = sorted({path for path in source.paths if _is_store(path)})
    found = list(_find_local(local, step, source.name)) if local else []
    for url in remote:
        found += _apart(_find_in_store(url, source, cache, step, progress), found)
    found = list(_chosen(found, source, step))
    for path in lists:
        place = path.removeprefix(LIST)
        lines = _read_list(place, source.name)
        fetched = receipt.step("fetch")
        found += fetch_pages(lines, source.fetch, cache, fetched, source.name, progress)
    return list(_unique(sorted(found, key=lambda file: file.name), step, source.name))


def _is_local(path: str) -> bool:
    return not (path == STDLIB or path.startswith(LIST) or _is_store(path))


def _is_store(path: str) -> bool:
    return is_remote(path) and not path.startswith(LIST)


def _find_local(paths: Sequence[str], step: Step, source: str) -> Iterator[Located]:
    left_out = Step("files", "files", NAMED_FILES)
    for file in find_files(paths, left_out, f"the paths of source {source!r}"):
        status = file.path.stat()
        location = str(file.path.absolute())
        version = (status.st_mtime_ns, status.st_ino)
        yield Located(file.name, location, file.n_bytes, version)
    if "" in left_out.sources:  # the walk knows of no sources
        left_out.sources[source] = left_out.sources.pop("")
    step.add(left_out)


def _find_in_store(
    url: str, source: SourceConfig, cache: Path, step: Step, progress: Progress
) -> Iterator[Located]:
    if url.startswith(HUB):
        return find_dataset_files(url, source.split)
    if url.lower().startswith(("http://", "https://")):
        return iter([download_file(url, source.fetch, cache, progress)])
    return find_remote_files(url, step, source.name)


def _read_list(place: str, source: str) -> list[str]:
    """Lines of a list of URLs.

    Raises:
        UserError: there is none, or it is no text.
    """
    location = place if is_remote(place) else str(Path(place).expanduser())
    try:
        with store_errors(place), open_location(location) as stream:
            return stream.read().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UserError(
            f"{place} (source {source!r}) is no UTF-8 text; write one URL a line"
        ) from None


def _apart(files: Iterable[Located], others: Sequence[Located]) -> list[Located]:
    """Rename the first part of names that other paths of the source have too."""
    made = list(files)
    used = {file.name.partition("/")[0] for file in others}
    root = made[0].name.partition("/")[0] if made else ""
    if root not in used:
        return made
    number = next(n for n in range(2, len(used) + 3) if f"{root}~{n}" not in used)
    return [
        replace(file, name=f"{root}~{number}{file.name[len(root) :]}") for file in made
    ]


def _chosen(
    files: Iterable[Located], source: SourceConfig, step: Step
) -> Iterator[Located]:
    """The files that the patterns of the source let through."""
    for file in files:
        if source.include and not _fits(file.name, source.include):
            step.drop(file.name, "not included", file.n_bytes, source=source.name)
        elif _fits(file.name, source.exclude):
            step.drop(file.name, "excluded", file.n_bytes, source=source.name)
        else:
            yield file


def _fits(name: str, patterns: Sequence[str]) -> bool:
    """Does a pattern fit the file's own name, or its path below what was asked for?"""
    _, _, below = name.partition("/")
    last = name.rpartition("/")[2]
    return any(
        fnmatchcase(path, pattern)
        for pattern in patterns
        for path in (below or name, last, name)
    )


def _unique(files: Iterable[Located], step: Step, source: str) -> Iterator[Located]:
    seen: set[str] = set()
    for file in files:
        if file.name in seen:
            reason = "a name that another file has"
            step.drop(file.name, reason, file.n_bytes, source=source)
        else:
            seen.add(file.name)
            yield file
