"""A file that was found: its name in the corpus, where it lies, which version it is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Located:
    """A file before it is hashed.

    `version` changes when the file does: (mtime_ns, inode) of local files; with it a
    hash can be remembered. `token` is what a store says of the content itself (an
    ETag, a hash): such a file need not be read for its fingerprint. `url` and
    `content_type` are what a fetched page came with.
    """

    name: str
    location: str
    n_bytes: int
    version: tuple[int | str, ...] = ()
    token: str | None = None
    url: str | None = None
    content_type: str | None = None
