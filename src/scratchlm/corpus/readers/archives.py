"""The files inside a zip or tar archive, as streams.

Nothing is written to disk and no member of a zip is held as a whole. The limits of
expansion hold for the whole archive: a thousand members of a gigabyte each are a bomb
as well. A damaged or encrypted member is one unreadable member; the others are read.
"""

import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any, BinaryIO, cast

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import Limits, TruncatedError

TAR_PIECE_BYTES = 2**11  # most that a member which is cut off loses
OUTSIDE = "a path outside of the archive"
ENCRYPTED = "encrypted or of an unknown compression"
DAMAGED = "damaged archive member"
# What damaged archives raise in zipfile (ValueError: a place before its beginning),
# tarfile and zlib.
_DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error),
    *(EOFError, OSError, ValueError),
)


@dataclass(frozen=True)
class Member:
    """One file of an archive.

    `open` gives its bytes as a stream, which raises UnreadableError where they are
    damaged; members of a tar must be read before the next is asked for.
    """

    name: str
    n_bytes: int
    open: Callable[[], BinaryIO]


def archive_members(kind: str, stream: BinaryIO, limits: Limits) -> Iterator[Member]:
    """Regular files of an archive: of a zip (a seekable stream) sorted by name, of a
    tar (any stream) in their order.

    Raises:
        UnreadableError: no such archive, damaged, empty, or its members claim more
            than the limits allow; of a tar after the members before the damage.
    """
    number = 0
    try:
        for member in _zip(stream, limits) if kind == "zip" else _tar(stream, limits):
            number += 1
            yield member
    except (*_DAMAGE, NotImplementedError):
        raise UnreadableError(f"damaged {kind} archive") from None
    if not number:
        raise UnreadableError("empty archive")


def checked_name(name: str) -> str:
    """The name of a member.

    Raises:
        UnreadableError: it leads out of the archive.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise UnreadableError(OUTSIDE)
    return name


def _zip(stream: BinaryIO, limits: Limits) -> Iterator[Member]:
    archive = zipfile.ZipFile(stream)  # closes nothing that it did not open
    members = [info for info in archive.infolist() if not info.is_dir()]
    _check_total(sum(info.file_size for info in members), limits)
    for info in sorted(members, key=lambda info: info.filename):
        yield Member(
            info.filename, info.compress_size, _zip_opener(archive, info, limits)
        )


def _zip_opener(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits
) -> Callable[[], BinaryIO]:
    def open_member() -> BinaryIO:
        try:
            content = archive.open(info)
        except (RuntimeError, NotImplementedError):
            raise UnreadableError(ENCRYPTED) from None
        except _DAMAGE:
            raise UnreadableError(DAMAGED) from None
        return cast(BinaryIO, _Checked(content, info.compress_size, limits))

    return open_member


class _Checked(io.RawIOBase):
    """A member's content, stopped where it is a bomb; its damage has a name."""

    def __init__(self, content: IO[bytes], n_packed: int, limits: Limits) -> None:
        self._content, self._n_packed, self._limits = content, n_packed, limits
        self._n_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        try:
            data = self._content.read(len(view))
        except _DAMAGE:
            raise UnreadableError(DAMAGED) from None
        self._n_bytes += len(data)
        self._limits.check(self._n_bytes, self._n_packed)
        view[: len(data)] = data
        return len(data)


def _tar(stream: BinaryIO, limits: Limits) -> Iterator[Member]:
    archive = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115
    n_bytes = 0
    while (info := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined]  # it would keep them all
        if info.isfile():
            n_bytes += info.size
            _check_total(n_bytes, limits)
            yield Member(info.name, info.size, _tar_opener(archive, info))


def _tar_opener(
    archive: tarfile.TarFile, info: tarfile.TarInfo
) -> Callable[[], BinaryIO]:
    def open_member() -> BinaryIO:
        content = archive.extractfile(info)
        assert content is not None  # a regular file
        return cast(BinaryIO, _Whole(content, info.size))

    return open_member


class _Whole(io.RawIOBase):
    """A member of a tar, which must be as long as its header says."""

    def __init__(self, content: Any, n_bytes: int) -> None:
        self._content, self._left = content, n_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        try:
            data = self._content.raw.read(min(len(view), TAR_PIECE_BYTES))
        except _DAMAGE:
            data = b""
        if not data and self._left:
            raise TruncatedError("truncated")
        self._left -= len(data)
        view[: len(data)] = data
        return len(data)


def _check_total(n_bytes: int, limits: Limits) -> None:
    """Refuse an archive by what its members claim, before any is unpacked."""
    if n_bytes > limits.max_bytes:
        raise UnreadableError(f"unpacks to more than {limits.max_bytes} bytes")
