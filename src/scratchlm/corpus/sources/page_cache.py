"""Pages on disk: what was fetched once need not be fetched again.

A folder holds two files a page, both named by the hash of its URL: the body, and a
record of where it came from. The record is written last, so that a page is either
there or not. Pages that are gone for good (404, …) leave a record without a body.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from scratchlm.base.atomic import read_json, write_bytes, write_json
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_bytes


@dataclass(frozen=True, slots=True)
class Page:
    """What is known of a page. `failure` says why there is no body, else it is "".

    `final_url` is where redirects led; `fingerprint` the SHA-256 of the body.
    """

    url: str
    final_url: str
    failure: str = ""
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    n_bytes: int = 0
    fingerprint: str = ""


class PageCache:
    """A folder of pages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def body_path(self, url: str) -> Path:
        """Where the body of a page lies, or would."""
        name = sha256_bytes(url.encode())
        return self._folder / name[:2] / f"{name}.body"

    def find(self, url: str) -> Page | None:
        """The page, if it is here as it was written."""
        body = self.body_path(url)
        try:
            page = Page(**read_json(body.with_suffix(".json")))
            whole = bool(page.failure) or body.stat().st_size == page.n_bytes
        except (UserError, TypeError, OSError):
            return None
        return page if whole and page.url == url else None

    def keep(self, page: Page, body: bytes = b"") -> Page:
        """Write a page; the one that was there is replaced.

        Raises:
            UserError: the disk is full.
        """
        path = self.body_path(page.url)
        if not page.failure:
            path.with_suffix(".json").unlink(missing_ok=True)
            write_bytes(path, body)
        write_json(path.with_suffix(".json"), asdict(page))
        return page
