"""A file that a person named by its http(s) address: downloaded once, if need be in
several goes.

What has come is kept beside the cache's files until it is whole: a killed download
goes on at the byte where it was, if the server still has the same version (`Range`
with `If-Range`). robots.txt speaks to those who follow links, not to these.
"""

import errno
import os
import time
from http.client import HTTPResponse
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from scratchlm.base.atomic import read_json, write_json
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_bytes
from scratchlm.base.progress import SILENT, Progress
from scratchlm.corpus.clean import printable_name
from scratchlm.corpus.sources.config import FetchConfig
from scratchlm.corpus.sources.hosts import REDIRECTS
from scratchlm.corpus.sources.http_client import (
    FetchError,
    normal_url,
    open_response,
    read_chunks,
)
from scratchlm.corpus.sources.located import Located


def download_file(
    url: str, config: FetchConfig, cache: Path, progress: Progress = SILENT
) -> Located:
    """The file of a URL, in the cache; called by the last part of the URL's path.

    Raises:
        UserError: it cannot be had, or the disk is full.
    """
    try:
        address = normal_url(url)
        path = cache / "downloads" / sha256_bytes(address.encode())
        if config.refresh or not path.exists():
            _download(address, path, config, progress)
    except FetchError as error:
        why = f"{error.reason} ({error.detail})" if error.detail else error.reason
        raise UserError(f"{url} cannot be fetched: {why}") from None
    status = path.stat()
    parts = urlsplit(address)
    name = PurePosixPath(unquote(parts.path)).name or parts.netloc
    version = (status.st_mtime_ns, status.st_ino)
    return Located(
        printable_name(name), str(path.resolve()), status.st_size, version, url=address
    )


def _download(
    address: str, path: Path, config: FetchConfig, progress: Progress
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(config.retries + 1):
        try:
            _follow(address, path, config, progress)
            return
        except FetchError as error:
            if not error.transient or attempt == config.retries:
                raise
            time.sleep(config.delay_s * 2**attempt)


def _follow(url: str, path: Path, config: FetchConfig, progress: Progress) -> None:
    """Go where redirects lead and take the rest of the file."""
    part = path.with_suffix(".part")
    for _ in range(config.max_redirects + 1):
        headers = {
            "User-Agent": config.user_agent,
            "Accept-Encoding": "identity",
            **_rest_of(part),
        }
        with open_response(url, headers, config.timeout_s) as response:
            if response.status not in REDIRECTS:
                _take(response, part, progress)
                part.replace(path)
                part.with_suffix(".json").unlink(missing_ok=True)
                return
            url = normal_url(response.headers.get("Location", ""), url)
    raise FetchError(f"more than {config.max_redirects} redirects")


def _rest_of(part: Path) -> dict[str, str]:
    """Headers that ask for what is missing of the same version, if anything is here."""
    try:
        version = str(read_json(part.with_suffix(".json"))["version"])
        begin = part.stat().st_size
    except (UserError, OSError, KeyError, TypeError):
        return {}
    if not begin or not version:
        return {}
    return {"Range": f"bytes={begin}-", "If-Range": version}


def _take(response: HTTPResponse, part: Path, progress: Progress) -> None:
    """Write the body behind what is there, or in its place."""
    status = response.status
    if status == 416:  # nothing is missing, or it is another file: ask for all of it
        part.unlink(missing_ok=True)
        raise FetchError("HTTP 416", transient=True)
    if status not in (200, 206):
        raise FetchError(f"HTTP {status}", transient=status == 429 or status >= 500)
    placed = response.headers.get("Content-Range", "")
    begin = part.stat().st_size if part.exists() else 0
    goes_on = status == 206 and placed.startswith(f"bytes {begin}-")
    if status == 206 and not goes_on:
        part.unlink(missing_ok=True)
        raise FetchError("an answer to another question", transient=True)
    version = response.headers.get("ETag", "")
    strong = "" if version.startswith("W/") else version
    write_json(
        part.with_suffix(".json"),
        {"version": strong or response.headers.get("Last-Modified", "")},
    )
    with part.open("ab" if goes_on else "wb") as file:
        total = file.tell() + (response.length or 0)
        for chunk in read_chunks(response):
            _write(file, chunk, part)
            progress.update(file.tell(), total or file.tell(), "downloading")
        os.fsync(file.fileno())


def _write(file: BinaryIO, chunk: bytes, path: Path) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UserError(
            f"the disk is full while downloading to {path.parent}; free some space "
            "and run the same command again: it goes on where it was"
        ) from error
