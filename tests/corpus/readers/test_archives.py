import io
import tarfile
import zipfile

import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers import expand
from scratchlm.corpus.readers.archives import archive_members
from scratchlm.corpus.readers.expand import Limits

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


@pytest.mark.parametrize(("kind", "make"), [("zip", make_zip), ("tar", make_tar)])
def test_members_come_in_sorted_order_and_links_do_not(kind, make):
    data = make({"b.txt": b"two", "a/x.txt": b"one", "../up.txt": b"three"})
    members = [(m.name, m.read()) for m in archive_members(kind, data, LIMITS)]
    assert members == [("../up.txt", b"three"), ("a/x.txt", b"one"), ("b.txt", b"two")]


def test_a_bomb_among_members_costs_that_member_only(monkeypatch):
    monkeypatch.setattr(expand, "RATIO_FLOOR_BYTES", 2**18)
    data = make_zip({"bomb": bytes(2**20), "good.txt": b"fine"})
    bomb, good = archive_members("zip", data, LIMITS)
    with pytest.raises(UnreadableError, match="a bomb"):
        bomb.read()
    assert good.read() == b"fine"


def test_many_members_that_are_too_large_together_are_refused_unopened():
    data = make_zip({f"{n}": bytes(2**20) for n in range(8)})
    with pytest.raises(UnreadableError, match="more than 4194304 bytes"):
        list(archive_members("zip", data, Limits(2**22, 1e9)))


def test_a_member_with_a_wrong_checksum_is_unreadable_and_its_neighbour_is_not():
    data = make_zip({"a": b"A" * 50, "b": b"B" * 50})
    spoilt = bytearray(data)
    spoilt[data.index(b"a") + 3] ^= 0xFF
    first, second = archive_members("zip", bytes(spoilt), LIMITS)
    with pytest.raises(UnreadableError, match="damaged"):
        first.read()
    assert second.read() == b"B" * 50


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
        list(archive_members(kind, data, LIMITS))
