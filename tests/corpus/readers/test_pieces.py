"""Files with every kind of damage, through the whole of reading."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import tracemalloc
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from scratchlm.base.errors import UserError
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.readers.expand import DAMAGED
from scratchlm.corpus.readers.pieces import Reading, read_piece
from scratchlm.corpus.readers.workers import ExtractWorkers
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.piece import Piece

PACKERS = {
    "gz": gzip.compress,
    "bz2": lambda data: bz2.compress(data, 1),  # blocks of 100 kB
    "xz": lambda data: lzma.compress(data, preset=1),
    "zst": zstandard.compress,
}


@pytest.fixture(scope="module")
def workers():
    with ExtractWorkers(ReadConfig(extract_timeout_s=1)) as workers:
        yield workers


@pytest.fixture
def read(workers):
    """`read(name, data)`: the documents and the account of one file."""

    def reader(name: str, data: bytes, config=None, stream=None, **place):
        receipt = Receipt()
        config = config or ReadConfig()
        reading = Reading(config, receipt, workers, "s")
        piece = Piece(name, "", len(data), "", **place)
        documents = list(read_piece(piece, stream or io.BytesIO(data), reading))
        for step in receipt.to_json():
            counted = step["kept"] + step["dropped"] + step["failed"]
            assert step["in"] == counted
        return documents, {
            step.name: {reason: drop.examples for reason, drop in step.dropped.items()}
            for step in receipt.steps
        }

    return reader


def rows(n: int) -> bytes:
    return b"".join(b'{"text": "row %d of the file"}\n' % i for i in range(n))


def texts(documents: list) -> list[str]:
    return [document.text for document in documents]


@pytest.mark.parametrize("name", PACKERS)
def test_rows_before_a_truncation_are_kept_and_the_truncation_is_counted(read, name):
    packed = PACKERS[name](rows(12_000))
    documents, account = read(f"a.jsonl.{name}", packed[: len(packed) * 3 // 4])
    assert texts(documents)[:500] == [f"row {n} of the file" for n in range(500)]
    assert account["records"][DAMAGED] == [f"a.jsonl.{name}:rest"]
    assert len(documents) < 12_000


def test_bad_lines_are_counted_and_the_others_are_read(read):
    data = rows(2) + b'{"text": \n\n{"text": "after"}\n' + b"\xff" + b"[1]\n7\nnull"
    documents, account = read("a.jsonl", data)
    assert [d.id for d in documents] == [
        "a.jsonl:0000001",
        "a.jsonl:0000002",
        "a.jsonl:0000005",
    ]
    assert account["records"]["not JSON"] == ["a.jsonl:3", "a.jsonl:6"]
    assert sum(map(len, account["records"].values())) == 4


def test_carriage_returns_marks_and_half_pairs_are_no_trouble(read):
    data = b"\xef\xbb\xbf" + b'{"text": "one"}\r\n{"text": "two \\ud800 half"}\r\n'
    documents, account = read("a.jsonl", data)
    assert texts(documents) == ["one", "two \ufffd half"]
    assert list(account["repairs"].values()) == [["a.jsonl:0000002"]]
    assert [d.text for d in read("a.csv", b"\xef\xbb\xbftext\r\none\r\n")[0]] == ["one"]
    assert texts(read("a.json", '[{"text": "x"}]'.encode("utf-16"))[0]) == ["x"]


def test_a_line_of_a_hundred_megabytes_is_counted_and_never_held(read):
    class Long(io.RawIOBase):
        """A row, 100 MB without a line end, and another row."""

        def __init__(self):
            self.left = 100 * 10**6

        def read(self, n=-1):
            if self.left == 100 * 10**6:
                self.left -= 1
                return b'{"text": "first"}\n"'
            if self.left > 0:
                self.left -= n
                return b"x" * n
            self.left, last = -(10**9), self.left
            return b'"\n{"text": "last"}\n' if last > -(10**8) else b""

    config = ReadConfig(max_record_bytes=2**20)
    tracemalloc.start()
    documents, account = read("a.jsonl", b"", config, Long())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert texts(documents) == ["first", "last"]
    assert account["records"] == {"longer than max_record_bytes": ["a.jsonl:2"]}
    assert peak < 8 * 2**20


def test_a_long_text_is_cut_at_line_ends_and_nothing_is_lost(read):
    text = "".join(f"line {n}\n" for n in range(1000))
    documents, account = read("a.txt", text.encode(), ReadConfig(max_record_bytes=3000))
    assert "".join(texts(documents)) == text
    assert len(documents) == 3
    assert documents[0].id == "a.txt#0000001"
    line = int(documents[1].id.partition("#")[2])
    assert documents[1].text.startswith(f"line {line - 1}\n")
    assert list(account["repairs"].values()) == [["a.txt"]]


def test_ranges_give_the_documents_of_the_whole_with_the_same_names(read):
    data = rows(1000)
    whole, _ = read("a.jsonl", data)
    found, begin = [], 0
    for end in (7000, 7001, 20_000, len(data)):
        line = data[:begin].count(b"\n") + (
            begin > 0 and data[begin - 1 : begin] != b"\n"
        )
        place = {"begin": begin, "end": end, "first_row": line, "kind": "lines"}
        found += read("a.jsonl", data, **place)[0]
        begin = end
    assert found == whole


def test_row_groups_give_the_rows_of_the_whole_with_the_same_names(read):
    buffer = io.BytesIO()
    table = pa.table({"text": [f"row {n}" for n in range(90)], "url": ["u"] * 90})
    pq.write_table(table, buffer, row_group_size=30)
    data = buffer.getvalue()
    whole, _ = read("a.parquet", data)
    assert whole[89].id == "a.parquet:0000090" and whole[0].metadata["url"] == "u"
    parts = [(0, 1, 0), (1, 3, 30)]
    found = []
    for begin, end, first in parts:
        place = {"begin": begin, "end": end, "first_row": first, "kind": "row_groups"}
        found += read("a.parquet", data, **place)[0]
    assert found == whole
    assert "damaged parquet file" in read("b.parquet", data[:-9])[1]["files"]


def make_zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_archives_are_entered_as_deep_as_may_be_and_no_path_leads_out(read):
    inner = make_zip({"deep.zip": make_zip({"x.txt": b"too deep"}), "b.txt": b"inner"})
    files = {"../out.txt": b"x", "a.jsonl.gz": gzip.compress(rows(2)), "in.zip": inner}
    documents, account = read("a.zip", make_zip(files))
    assert [d.id for d in documents] == [
        "a.zip!/a.jsonl.gz:0000001",
        "a.zip!/a.jsonl.gz:0000002",
        "a.zip!/in.zip!/b.txt",
    ]
    assert account["files"] == {
        "a path outside of the archive": ["a.zip!/../out.txt"],
        "an archive in too many archives (max_depth)": ["a.zip!/in.zip!/deep.zip"],
    }


def test_a_truncated_zip_is_one_clear_line(read):
    documents, account = read("a.zip", make_zip({"a.txt": b"text" * 99})[:-30])
    assert not documents
    ((reason, names),) = account["files"].items()
    assert "damaged zip archive" in reason and names == ["a.zip"]


def test_of_a_truncated_tar_the_members_before_are_kept(read):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("one.txt", "two.txt"):
            info = tarfile.TarInfo(name)
            info.size = 20_000
            archive.addfile(info, io.BytesIO(name.encode() * 2858))
    packed = PACKERS["xz"](buffer.getvalue()[:30_000])
    documents, account = read("a.tar.xz", packed)
    assert [d.id for d in documents] == ["a.tar.xz!/one.txt", "a.tar.xz!/two.txt"]
    assert len(documents[0].text) == 20_000 > len(documents[1].text) > 7000
    assert "a.tar.xz!/two.txt:rest" in account["records"]["truncated"]


def test_a_page_on_which_the_extractor_hangs_is_named_and_read_plainly(read):
    slow = "<html><body><article><p>" + "<i>some words here</i> and " * 20_000
    data = make_zip({"a.html": slow.encode(), "b.html": b"<p>after"})
    documents, account = read("a.zip", data)
    assert texts(documents)[1] == "after"
    assert documents[0].text.count("some words here") == 20_000
    repaired = "read by the plain parser: takes too long to extract"
    assert account["repairs"] == {repaired: ["a.zip!/a.html"]}


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"", "empty"),
        ("a.jsonl", b"", "empty"),
        ("a.csv", b"\n", "empty"),
        ("a.html", b"", "empty"),
        ("a.warc", b"", "empty"),
        ("a.eml", b"\n\n", "empty"),
        ("a.pdf", b"%PDF-1.4", "damaged PDF"),
        ("a.docx", b"PK no zip", "damaged docx file"),
        ("a.epub", b"PK no zip", "damaged epub file"),
        ("a.txt", bytes(range(256)) * 20, "binary"),
        ("a.json", b"{", "not JSON"),
        ("a.parquet", b"PAR1", "damaged parquet file"),
        ("a.png", b"\x89PNG", "PNG image: not a format that is read"),
        ("a.html", b"<html><script>1</script></html>", "no text in it"),
    ],
)
def test_a_file_that_gives_nothing_is_one_line_with_its_reason(
    read, name, data, reason
):
    documents, account = read(name, data)
    assert (documents, account["files"]) == ([], {reason: [name]})


def test_a_disk_that_fails_is_one_line_and_what_was_read_is_kept(read):
    class Failing(io.BytesIO):
        def read(self, n=-1):
            if self.tell() > 200_000:
                raise OSError(5, "Input/output error")
            return super().read(min(n, 10_000))

    data = rows(10_000)
    documents, account = read("a.jsonl", data, None, Failing(data))
    assert len(documents) > 5_000
    assert account["records"] == {"unreadable: Input/output error": ["a.jsonl:rest"]}


def test_a_fetched_page_is_read_as_its_header_says(read):
    place = {"url": "https://x/y", "content_type": "text/html; charset=cp1252"}
    page = "<p>größer</p>".encode("cp1252")
    (document,), _ = read("x/y.php", page, **place)
    assert document.text == "größer"
    assert document.metadata["url"] == "https://x/y"
    _, account = read("x/z", b"GIF9", url="u", content_type="application/zip")
    assert account["files"] == {"application/zip: not a kind that is read": ["x/z"]}


def test_pages_of_web_archives_have_their_address_and_others_are_counted(read):
    body = "<html><body><article>" + "<p>The sea is calm today.</p>" * 9
    records = b""
    for kind, type_, block in (
        ("warcinfo", "", "x"),
        ("response", "text/html", body),
        ("response", "image/png", "x"),
        ("conversion", "text/plain", "plain words"),
    ):
        http = f"HTTP/1.1 200 OK\r\nContent-Type: {type_}\r\n\r\n"
        block = http + block if kind == "response" else block
        records += (
            f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://a/\r\n"
            f"Content-Length: {len(block)}\r\n\r\n{block}\r\n\r\n"
        ).encode()
    documents, account = read("a.warc.gz", gzip.compress(records)[:-4])
    assert [d.id for d in documents] == ["a.warc.gz:0000002", "a.warc.gz:0000004"]
    assert documents[0].metadata["url"] == "http://a/"
    assert set(account["records"]) == {
        "WARC warcinfo record",
        "content that is not read: image",
        DAMAGED,
    }


def test_messages_of_a_mailbox_are_documents(read):
    start = "From a@b Fri Nov 21 10:00:00 2025\n"
    data = f"{start}Subject: one\n\nfirst\n\n{start}\n\n{start}Subject: x\n\nthird\n"
    documents, account = read("a.mbox", data.encode())
    assert [(d.id, d.text) for d in documents] == [
        ("a.mbox:0000001", "first"),
        ("a.mbox:0000003", "third"),
    ]
    assert documents[0].metadata["title"] == "one"
    assert sum(map(len, account["records"].values())) == 1


def test_json_lists_stream_and_give_what_comes_before_the_damage(read):
    data = json.dumps([{"text": f"row {n}"} for n in range(50)]).encode()
    assert len(read("a.json", data)[0]) == 50
    documents, account = read("a.json", data[:-20])
    assert len(documents) == 49
    assert list(account["records"].values()) == [["a.json:rest"]]


def test_a_machine_without_room_ends_the_build_and_is_no_damage_of_a_file(
    read, tmp_path, monkeypatch
):
    """Counted as damage it would be remembered, and the file lost for good."""
    members = io.BytesIO()
    with zipfile.ZipFile(members, "w") as archive:
        archive.writestr("a.txt", bytes(range(32, 127)) * 100_000)
    packed = gzip.compress(members.getvalue())
    documents, _ = read("a.zip.gz", packed)
    assert len(documents) == 1
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(UserError, match="TMPDIR"):
        read("a.zip.gz", packed)
