import importlib.util

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from scratchlm.base.errors import UserError
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.readers.pieces import Reading, read_piece
from scratchlm.corpus.readers.workers import ExtractWorkers
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.piece import Piece
from scratchlm.corpus.sources.streams import is_remote, open_location, open_piece


def test_a_url_is_told_from_a_path():
    for url in ("s3://bucket/a", "memory://a", "hf://datasets/a/b", "git+ssh://x/y"):
        assert is_remote(url)
    for path in ("/a/b", "a", "C:\\a", "urls:list.txt", "a b://c", "stdlib", "://x"):
        assert not is_remote(path)


def test_a_file_opens_alike_here_and_in_a_store(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"0123456789")
    with fsspec.open("memory://streams/a.txt", "wb") as stream:
        stream.write(b"0123456789")
    for location in (str(tmp_path / "a.txt"), "memory://streams/a.txt"):
        with open_location(location) as stream:
            assert stream.read(4) == b"0123"
            stream.seek(8)
            assert stream.read() == b"89"


def test_a_file_that_changed_after_the_plan_is_refused_by_name(tmp_path):
    path = tmp_path / "secret-place.txt"
    path.write_bytes(b"0123456789")
    known = {"name": "a.txt", "location": str(path), "fingerprint": "f"}
    for changes in ({"n_bytes": 11}, {"n_bytes": 5, "kind": "lines", "end": 11}):
        piece = Piece(**{**known, **changes})
        with pytest.raises(UserError, match=r"a\.txt has changed") as raised:
            open_piece(piece)
        assert "secret-place" not in str(raised.value)
    part = Piece("a.txt", str(path), 5, "f", kind="lines", begin=5, end=10)
    with open_piece(part) as stream:
        assert stream.read() == b"0123456789"


def test_an_unknown_store_is_one_line():
    with pytest.raises(UserError, match="nowhere://a cannot be opened") as raised:
        open_location("nowhere://a")
    assert "\n" not in str(raised.value)


def test_a_store_whose_package_is_missing_is_named():
    if importlib.util.find_spec("s3fs"):
        pytest.skip("here it is not missing")
    with pytest.raises(UserError, match="s3://a/b needs a package that is missing"):
        open_location("s3://a/b")


class Flaky(MemoryFileSystem):
    """A store that breaks the connection after so many bytes."""

    protocol = "flaky"
    most = 0

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("flaky:/"))

    def _open(self, path, *options, **more):
        stream = super()._open(path, *options, **more)
        whole = stream.read

        def read(size=-1):
            if stream.tell() >= Flaky.most:
                raise ConnectionResetError(104, "Connection reset by peer")
            return whole(size)

        stream.read = read
        return stream


@pytest.mark.parametrize("most", [0, 2**20])
def test_a_store_that_stops_answering_ends_the_build_and_loses_no_file(most):
    fsspec.register_implementation("flaky", Flaky, clobber=True)
    rows = b'{"text": "%s"}\n' % (b"one row " * 200) * 900
    with fsspec.open("memory://flaky/a.jsonl", "wb") as stream:
        stream.write(rows)
    piece = Piece("a.jsonl", "flaky://flaky/a.jsonl", len(rows), "f")

    def read():
        receipt = Receipt()
        with open_piece(piece) as stream, ExtractWorkers(ReadConfig()) as workers:
            reading = Reading(ReadConfig(), receipt, workers)
            return list(read_piece(piece, stream, reading))

    Flaky.most = most
    with pytest.raises(UserError, match=r"a\.jsonl does not answer \(.*reset"):
        read()
    Flaky.most = 2**30
    assert len(read()) == 900
