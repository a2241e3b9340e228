"""Files of a store that fsspec speaks to: `s3://bucket/folder`, `memory://x`, …"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.corpus.clean import printable_name
from scratchlm.corpus.receipt import Step
from scratchlm.corpus.sources.located import Located
from scratchlm.corpus.sources.streams import open_file_system

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

# What stores call the hash of a file's content, or the number of its version.
_TOKEN_NAMES = """ETag etag blob_id oid sha256 sha md5 md5Hash content_md5 checksum
    crc32c version_id generation"""
_TIMES = ("mtime", "LastModified", "last_modified", "modified", "updated", "created")


def find_remote_files(url: str, step: Step, source: str) -> Iterator[Located]:
    """All files under a URL, those that a pattern in it fits, or the one it names, in
    the order of their paths.

    A file is called by the last part of the URL (before any pattern) and its path
    below.

    Raises:
        UserError: nothing is there, or the store does not answer.
    """
    file_system, path = open_file_system(url)
    path = path.rstrip("/")
    folder = path[: _begin_of_pattern(path)].rstrip("/")
    with store_errors(url):
        found = _find(file_system, path, is_pattern=folder != path)
    if not found:
        raise UserError(f"{url} holds no file; check the paths of source {source!r}")
    base = folder.rpartition("/")[2] or "root"
    for place, info in sorted(found.items()):
        relative = place[len(folder) :].strip("/")
        if any(part.startswith(".") for part in relative.split("/")):
            step.drop(relative, "hidden", source=source)
            continue
        name = printable_name("/".join(filter(None, (base, relative))))
        yield remote_file(name, file_system.unstrip_protocol(place), info)


def _find(
    file_system: "AbstractFileSystem", path: str, is_pattern: bool
) -> dict[str, Mapping[str, Any]]:
    if not is_pattern:
        return dict(file_system.find(path, detail=True))
    found = file_system.glob(path, detail=True)
    return {place: info for place, info in found.items() if info["type"] == "file"}


def _begin_of_pattern(path: str) -> int:
    """Where the first part with * ? or [ begins; the length of a plain path."""
    at = 0
    for part in path.split("/"):
        if any(sign in part for sign in "*?["):
            return at
        at += len(part) + 1
    return len(path)


def remote_file(name: str, location: str, info: Mapping[str, Any]) -> Located:
    """A file by what its store says of it."""
    return Located(
        name,
        location,
        int(info.get("size") or 0),
        tuple(str(info[key]) for key in _TIMES if info.get(key))[:1],
        _token(info),
    )


@contextmanager
def store_errors(location: str) -> Iterator[None]:
    """Whatever a store's package raises becomes one line that names the place."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{location} does not exist; check the name") from None
    except (UserError, UnicodeDecodeError):
        raise
    except Exception as error:  # packages of many makers, each with errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{location} cannot be read: {reason}") from None


def _token(info: Mapping[str, Any]) -> str | None:
    """A fingerprint of the content, if the store has one."""
    lfs = info.get("lfs")
    known = {**dict(lfs or {}), **info} if isinstance(lfs, Mapping) else info
    values = {key: str(known[key]) for key in _TOKEN_NAMES.split() if known.get(key)}
    return sha256_json({"size": info.get("size"), **values}) if values else None
