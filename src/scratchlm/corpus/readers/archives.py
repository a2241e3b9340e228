"""The files inside a zip or tar archive, in sorted order.

The limits of expansion hold for the whole archive: a thousand members of a gigabyte
each are a bomb as well. A damaged or encrypted member is one unreadable member; the
others are read.
"""

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import Limits, gather, read_pieces


@dataclass(frozen=True)
class Member:
    """One file of an archive; `read` gives its bytes or raises UnreadableError."""

    name: str
    read: Callable[[], bytes]


def archive_members(kind: str, data: bytes, limits: Limits) -> Iterator[Member]:
    """Regular files of an archive of kind "zip" or "tar", sorted by name.

    Raises:
        UnreadableError: no such archive, damaged, or its members claim more than the
            limits allow.
    """
    number = 0
    try:
        for member in _zip(data, limits) if kind == "zip" else _tar(data, limits):
            yield member
            number += 1
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise UnreadableError(f"damaged {kind} archive: {error}") from None
    if not number:
        raise UnreadableError("empty archive")


def _zip(data: bytes, limits: Limits) -> Iterator[Member]:
    archive = zipfile.ZipFile(BytesIO(data))  # in memory: nothing to close
    members = [info for info in archive.infolist() if not info.is_dir()]
    _check_total(sum(info.file_size for info in members), limits)
    for info in sorted(members, key=lambda info: info.filename):
        yield Member(info.filename, _zip_reader(archive, info, limits))


def _zip_reader(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits
) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            with archive.open(info) as stream:
                pieces = read_pieces(stream)  # type: ignore[arg-type]
                return gather(pieces, info.compress_size, limits)
        except (RuntimeError, NotImplementedError):
            raise UnreadableError("encrypted or of an unknown compression") from None
        except (zipfile.BadZipFile, zlib.error) as error:
            raise UnreadableError(f"damaged: {error}") from None

    return read


def _tar(data: bytes, limits: Limits) -> Iterator[Member]:
    archive = tarfile.open(fileobj=BytesIO(data), mode="r:")  # noqa: SIM115
    members = [info for info in archive if info.isfile()]
    _check_total(sum(info.size for info in members), limits)
    for info in sorted(members, key=lambda info: info.name):
        yield Member(info.name, _tar_reader(archive, info))


def _tar_reader(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        stream = archive.extractfile(info)
        content = stream.read() if stream else b""
        if len(content) != info.size:
            raise UnreadableError("truncated")
        return content

    return read


def _check_total(n_bytes: int, limits: Limits) -> None:
    """Refuse an archive by what its members claim, before any is unpacked."""
    if n_bytes > limits.max_bytes:
        raise UnreadableError(f"unpacks to more than {limits.max_bytes} bytes")
