import io
import random
import tarfile
import zipfile

import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers import expand
from scratchlm.corpus.readers.archives import archive_members, checked_name
from scratchlm.corpus.readers.expand import Limits, TruncatedError

LIMITS = Limits(max_bytes=2**26, max_expansion=200)


def make_zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def make_tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return buffer.getvalue()


def members(kind: str, data: bytes, limits: Limits = LIMITS) -> list:
    return list(archive_members(kind, io.BytesIO(data), limits))


def test_members_of_a_zip_come_sorted_those_of_a_tar_in_their_order_and_no_links():
    files = {"b.txt": b"two", "a/x.txt": b"one"}
    zipped = [(m.name, m.open().read()) for m in members("zip", make_zip(files))]
    assert zipped == [("a/x.txt", b"one"), ("b.txt", b"two")]
    tarred = archive_members("tar", io.BytesIO(make_tar(files)), LIMITS)
    assert [(m.name, m.open().read()) for m in tarred] == list(files.items())


def test_a_tar_is_read_from_a_stream_that_cannot_go_back():
    class Pipe(io.RawIOBase):
        def __init__(self, data):
            self.rest = data

        def readable(self):
            return True

        def readinto(self, buffer):
            part, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
            buffer[: len(part)] = part
            return len(part)

    files = {f"{n}": bytes([n]) * 5000 for n in range(20)}
    stream = io.BufferedReader(Pipe(make_tar(files)))
    found = {m.name: m.open().read() for m in archive_members("tar", stream, LIMITS)}
    assert found == files


@pytest.mark.parametrize(
    "name", ["../up.txt", "/etc/passwd", "a/../../b", "C:\\x", "..\\x"]
)
def test_a_path_out_of_the_archive_is_refused(name):
    with pytest.raises(UnreadableError, match="outside"):
        checked_name(name)
    assert checked_name("a/..b/c.txt") == "a/..b/c.txt"


def test_a_bomb_among_members_costs_that_member_only(monkeypatch):
    monkeypatch.setattr(expand, "RATIO_FLOOR_BYTES", 2**18)
    bomb, good = members("zip", make_zip({"bomb": bytes(2**20), "good.txt": b"fine"}))
    with pytest.raises(UnreadableError, match="a bomb"):
        io.BufferedReader(bomb.open()).read()
    assert good.open().read() == b"fine"


@pytest.mark.parametrize(("kind", "make"), [("zip", make_zip), ("tar", make_tar)])
def test_many_members_that_are_too_large_together_are_refused_unopened(kind, make):
    data = make({f"{n}": bytes(2**20) for n in range(8)})
    with pytest.raises(UnreadableError, match="more than 4194304 bytes"):
        members(kind, data, Limits(2**22, 1e9))


def test_a_member_with_a_wrong_checksum_is_unreadable_and_its_neighbour_is_not():
    data = make_zip({"a": b"A" * 50, "b": b"B" * 50})
    spoilt = bytearray(data)
    spoilt[data.index(b"a") + 3] ^= 0xFF
    first, second = members("zip", bytes(spoilt))
    with pytest.raises(UnreadableError, match="damaged"):
        first.open().read()
    assert second.open().read() == b"B" * 50


def test_a_tar_that_is_cut_off_says_so_after_what_it_still_holds():
    data = make_tar({"a": b"A" * 3000, "b": b"B" * 30_000})
    found = archive_members("tar", io.BytesIO(data[:20_000]), LIMITS)
    assert next(found).open().read() == b"A" * 3000
    second, n_bytes = next(found).open(), 0
    with pytest.raises(TruncatedError):
        while True:
            n_bytes += len(second.read(1000))
    assert n_bytes > 13_000


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("zip", make_zip({"a": b"x" * 999})[:60]),
        ("zip", b"PK\x03\x04 no zip at all"),
        ("tar", b"no tar at all" * 99),
        ("zip", make_zip({})),
    ],
    ids=["cut-zip", "no-zip", "no-tar", "empty-zip"],  # a zip holds the time
)
def test_a_damaged_or_empty_archive_is_unreadable(kind, data):
    with pytest.raises(UnreadableError, match=r"damaged|empty"):
        members(kind, data)


def test_a_member_that_begins_before_the_archive_does_is_one_unreadable_member():
    """A directory whose end is shifted, as where bytes are missing in the middle."""
    data = make_zip({"a.txt": random.Random(0).randbytes(2000), "b.txt": b"B"})
    cut = data[:200] + data[700:]
    first, second = members("zip", cut)
    with pytest.raises(UnreadableError, match="damaged"):
        first.open().read()
    assert second.open().read() == b"B"
