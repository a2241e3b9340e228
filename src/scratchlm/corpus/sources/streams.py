"""Open what a location names: a path of this machine, or an fsspec URL.

The packages that speak to a store (s3fs, gcsfs, …) are not ours: where one is
missing, the error names it.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from scratchlm.base.errors import UserError
from scratchlm.corpus.sources.piece import Piece

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

HUB = "hf://"
REMOTE_BYTES = 2**20


def is_remote(location: str) -> bool:
    """Is this a URL that fsspec opens, rather than a path?"""
    scheme, mark, _ = location.partition("://")
    return bool(mark) and scheme.isascii() and scheme.replace("+", "").isalnum()


def open_file_system(location: str) -> "tuple[AbstractFileSystem, str]":
    """The file system of a URL and the path in it.

    Raises:
        UserError: nobody knows the scheme, its package is missing, or the store
            refuses what was asked.
    """
    from fsspec.core import url_to_fs

    scheme = location.partition("://")[0]
    try:
        file_system, path = url_to_fs(location)
    except ImportError as error:
        extra = "pip install 'scratchlm[hub]'" if scheme == "hf" else "install it"
        raise UserError(
            f"{location} needs a package that is missing ({error}); {extra}"
        ) from None
    except ValueError as error:
        raise UserError(f"{location} cannot be opened: {_line(error)}") from None
    return file_system, str(path)


def open_location(location: str) -> BinaryIO:
    """Raw bytes of a file, from its beginning; seekable where its store is.

    Raises:
        OSError: no such file, no permission, no connection.
        UserError: as `open_file_system`.
    """
    if not is_remote(location):
        return Path(location).open("rb")
    file_system, path = open_file_system(location)
    return cast(BinaryIO, file_system.open(path, "rb"))


def open_piece(piece: Piece) -> BinaryIO:
    """Raw bytes of the file that a piece is (part of), from the file's beginning.

    Raises:
        OSError: no such file, no permission.
        UserError: a local file that is no longer as long as when it was planned; a
            store that does not answer, also while the stream is read.
    """
    if is_remote(piece.location):
        with _store_answers(piece.name):
            remote = _Remote(open_location(piece.location), piece.name)
        return cast(BinaryIO, io.BufferedReader(remote, REMOTE_BYTES))
    stream = open_location(piece.location)
    if not _has_length(stream, piece):
        stream.close()
        raise UserError(
            f"{piece.name} has changed while the corpus was being built; "
            "build again when nobody writes to it"
        )
    return stream


class _Remote(io.RawIOBase):
    """A file of a store. What a network does is no damage of the file: counted as
    such it would be remembered, and the file lost for good.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name = stream, name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        with _store_answers(self._name):
            data = self._stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def seek(self, place: int, whence: int = 0) -> int:
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


@contextmanager
def _store_answers(name: str) -> Iterator[None]:
    try:
        yield
    except (UserError, FileNotFoundError, PermissionError, MemoryError):
        raise
    except Exception as error:  # packages of many makers, each with errors of its own
        reason = _line(error) or type(error).__name__
        raise UserError(
            f"the store of {name} does not answer ({reason}); run the same command "
            "again: what was finished is kept"
        ) from None


def _has_length(stream: BinaryIO, piece: Piece) -> bool:
    n_bytes = stream.seek(0, 2)
    stream.seek(0)
    if piece.kind == "file":
        return n_bytes == piece.n_bytes
    return piece.kind != "lines" or n_bytes >= (piece.end or 0)


def _line(error: Any) -> str:
    return " ".join(str(error).split())
