import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from scratchlm.base.errors import UserError
from scratchlm.corpus.sources.config import FetchConfig
from scratchlm.corpus.sources.downloads import download_file

QUICK = FetchConfig(delay_s=0.0, retries=3, timeout_s=10.0)
CONTENT = bytes(range(256)) * 400


class File:
    """A file that a server sends from any byte on; `cut_at` ends its answers early."""

    def __init__(self, content=CONTENT, etag='"1"', cut_at=()):
        self.content, self.etag, self.cut_at = content, etag, list(cut_at)
        self.sent: list[tuple[int, int]] = []

    def __call__(self, handler):
        begin = 0
        wanted = handler.headers.get("Range")
        if wanted and handler.headers.get("If-Range") == self.etag:
            begin = int(wanted.removeprefix("bytes=").removesuffix("-"))
        end = self.cut_at.pop(0) if self.cut_at else len(self.content)
        handler.send_response(206 if begin else 200)
        if begin:
            handler.send_header("Content-Range", f"bytes {begin}-x/x")
        handler.send_header("ETag", self.etag)
        handler.send_header("Content-Length", str(len(self.content) - begin))
        handler.end_headers()
        handler.wfile.write(self.content[begin:end])
        self.sent.append((begin, end))


def test_a_file_is_downloaded_once_and_called_by_its_address(site, tmp_path):
    site.pages["/data/a%20b.jsonl.gz?x=1"] = file = File()
    url = f"{site.url}/data/a b.jsonl.gz?x=1"
    found = download_file(url, QUICK, tmp_path)
    assert found.name == "a b.jsonl.gz" and found.n_bytes == len(CONTENT)
    assert Path(found.location).read_bytes() == CONTENT
    assert download_file(url, QUICK, tmp_path) == found
    assert file.sent == [(0, len(CONTENT))]
    file.content, file.etag = b"new", '"2"'
    again = QUICK.model_copy(update={"refresh": True})
    assert Path(download_file(url, again, tmp_path).location).read_bytes() == b"new"


def test_a_broken_download_goes_on_where_it_was(site, tmp_path):
    site.pages["/a"] = file = File(cut_at=[1000, 50_000])
    found = download_file(site.url + "/a", QUICK, tmp_path)
    assert Path(found.location).read_bytes() == CONTENT
    assert file.sent == [(0, 1000), (1000, 50_000), (50_000, len(CONTENT))]
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == [
        Path(found.location).name
    ]


def test_another_version_is_downloaded_from_its_beginning(site, tmp_path):
    site.pages["/a"] = file = File(cut_at=[1000])
    once = QUICK.model_copy(update={"retries": 0})
    with pytest.raises(UserError, match="cannot be fetched: broken connection"):
        download_file(site.url + "/a", once, tmp_path)
    file.content, file.etag = CONTENT[::-1], '"2"'
    found = download_file(site.url + "/a", once, tmp_path)
    assert Path(found.location).read_bytes() == CONTENT[::-1]
    assert file.sent == [(0, 1000), (0, len(CONTENT))]


def test_a_server_that_cannot_go_on_sends_all_of_it_again(site, tmp_path):
    site.pages["/a"] = file = File(etag="", cut_at=[1000])
    found = download_file(site.url + "/a", QUICK, tmp_path)
    assert Path(found.location).read_bytes() == CONTENT
    assert file.sent == [(0, 1000), (0, len(CONTENT))]


def test_redirects_are_followed_but_not_for_ever(site, tmp_path):
    site.redirect("/old", "/new/")
    site.pages["/new/"] = File(b"x")
    found = download_file(site.url + "/old", QUICK, tmp_path)
    assert found.name == "old" and found.url == site.url + "/old"
    site.redirect("/round", "/round")
    with pytest.raises(UserError, match="more than 5 redirects"):
        download_file(site.url + "/round", QUICK, tmp_path)


def test_what_cannot_be_had_is_one_line(site, tmp_path):
    with pytest.raises(UserError, match=r"/none cannot be fetched: HTTP 404"):
        download_file(site.url + "/none", QUICK, tmp_path)
    assert site.asked == ["/none"]
    with pytest.raises(UserError, match="not a web address"):
        download_file("http://user:secret@h/", QUICK, tmp_path)


KILLED = """
import sys
from pathlib import Path
from scratchlm.corpus.sources.config import FetchConfig
from scratchlm.corpus.sources.downloads import download_file
download_file(sys.argv[2], FetchConfig(), Path(sys.argv[1]))
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_download_fetches_no_byte_twice(site, tmp_path):
    file, never = File(), threading.Event()

    def hang_half_way(handler):
        file.cut_at = [2**16]
        file(handler)
        handler.wfile.flush()
        never.wait(30)

    site.pages["/a"] = hang_half_way
    command = [sys.executable, "-c", KILLED, str(tmp_path), site.url + "/a"]
    process = subprocess.Popen(command)
    while not any(
        path.suffix == ".part" and path.stat().st_size >= 2**15
        for path in tmp_path.glob("downloads/*")
    ):
        assert process.poll() is None
        threading.Event().wait(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    never.set()
    (part,) = tmp_path.glob("downloads/*.part")
    n_here = part.stat().st_size
    site.pages["/a"] = file
    found = download_file(site.url + "/a", QUICK, tmp_path)
    assert Path(found.location).read_bytes() == CONTENT
    assert file.sent[-1] == (n_here, len(CONTENT))
