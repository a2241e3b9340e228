import json
import os
import subprocess
import sys

import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.config import ReadConfig
from scratchlm.corpus.readers.extracted import NO_MEMORY
from scratchlm.corpus.readers.workers import TOO_LONG, ExtractWorkers

GOOD = "<html><body><article>{}</article></body></html>".format(
    "<p>The sea is calm and the wind has turned to the north again today.</p>" * 9
).encode()
# A page of half a megabyte that keeps the extractor busy for minutes: its time grows
# with the cube of the inline tags of one paragraph.
SLOW = b"<html><body><article><p>" + b"<i>some words, here</i> and " * 20_000


# Two million elements: a tree of them needs more than a quarter of a gigabyte.
WIDE = b"<a>" + b"<a/>" * 2_000_000 + b"</a>"


@pytest.fixture(scope="module")
def workers():
    with ExtractWorkers(ReadConfig()) as workers:
        yield workers


def test_one_process_reads_page_after_page_until_it_is_killed(workers):
    for _ in range(3):
        assert "The sea is calm" in workers.extract("html", GOOD).text
    assert workers.n_started == 1
    os.kill(workers._process.pid, 9)
    assert "The sea is calm" in workers.extract("html", GOOD).text
    assert workers.n_started == 2


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits there")
def test_a_page_that_hangs_or_takes_all_memory_is_refused_and_the_next_is_read():
    limits = ReadConfig(extract_timeout_s=1, extract_memory_bytes=2**28)
    with ExtractWorkers(limits) as workers:
        with pytest.raises(UnreadableError, match=TOO_LONG):
            workers.extract("html", SLOW)
        with pytest.raises(UnreadableError, match=NO_MEMORY):
            workers.extract("xml", WIDE)
        assert workers.extract("xml", b"<p>next</p>").text == "next"


def test_what_a_library_makes_of_a_damaged_file_is_a_reason(workers):
    for kind in ("pdf", "epub", "docx", "odt", "xlsx"):
        with pytest.raises(UnreadableError, match="damaged"):
            workers.extract(kind, b"PK\x03\x04 or whatever")


def test_nothing_that_a_page_prints_comes_between_the_messages():
    """The process answers one frame a request even if a library writes to stdout."""
    command = [sys.executable, "-m", "scratchlm.corpus.readers.extract_worker"]
    limits = ["10", str(2**31)]
    frames = b""
    for data in (json.dumps({"kind": "html"}).encode(), GOOD):
        frames += len(data).to_bytes(8, "little") + data
    done = subprocess.run([*command, *limits], input=frames * 2, capture_output=True)
    first = int.from_bytes(done.stdout[:8], "little")
    assert len(done.stdout) == 2 * (8 + first)
    assert json.loads(done.stdout[8 : 8 + first])["text"].startswith("The sea")
