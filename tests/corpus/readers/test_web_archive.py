import gzip
import io
import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import Limits, open_expanded
from scratchlm.corpus.readers.web_archive import (
    Record,
    arc_records,
    http_response,
    warc_records,
)

SHARED = os.environ.get("SCRATCHLM_SHARED")
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>page</p>"


def warc(kind: str, block: bytes, url: str = "http://a/") -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: <{url}>\r\n"
        f"WARC-Date: 2025-01-01T00:00:00Z\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def read(data: bytes, most: int = 10**6, records=warc_records) -> list:
    return list(records(io.BufferedReader(io.BytesIO(data)), most))


THREE = warc("warcinfo", b"x") + warc("response", PAGE) + warc("response", PAGE * 2)


def test_records_come_with_what_their_headers_say():
    first, second, third = read(THREE)
    assert (first.number, first.kind, first.block) == (1, "warcinfo", b"x")
    assert (second.kind, second.url, second.block) == ("response", "http://a/", PAGE)
    assert (third.number, third.n_bytes) == (3, 2 * len(PAGE))


def test_bare_newlines_and_names_in_any_case_are_headers_too():
    data = b"WARC/0.18\nwarc-type: response\nCONTENT-LENGTH:  4\n\nbody\n\n"
    (record,) = read(data)
    assert (record.kind, record.block) == ("response", b"body")


def test_a_truncated_archive_gives_all_before_and_says_that_it_is_cut():
    records = read(THREE[:-30])
    assert [record.trouble for record in records] == [
        "",
        "",
        "the archive ends within a record",
    ]
    assert records[1].block == PAGE


def test_bytes_between_records_are_counted_and_the_next_record_is_read():
    first, skipped, second = read(warc("a", b"1") + b"garbage\n" * 5 + warc("b", b"2"))
    assert (first.kind, skipped, second.kind) == ("a", 40, "b")


def test_a_record_that_says_it_is_longer_than_it_is_swallows_no_other():
    wrong = warc("response", PAGE).replace(b"Length: %d" % len(PAGE), b"Length: 300")
    first, second = read(wrong + warc("response", b"other" * 60))
    assert first.block == PAGE and "wrong length" in first.trouble
    assert second.block == b"other" * 60


def test_a_record_longer_than_may_be_held_is_passed_over():
    data = warc("response", b"x" * 5000) + warc("response", b"short")
    assert [record.block for record in read(data, 1000)] == [None, b"short"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(THREE)), st.integers(0, 60), st.binary(max_size=9))
def test_whatever_the_damage_every_byte_of_a_block_is_in_one_record_at_most(
    place, n_bytes, noise
):
    data = THREE[:place] + noise + THREE[place + n_bytes :]
    records = [found for found in read(data) if isinstance(found, Record)]
    assert sum(len(record.block or b"") for record in records) <= len(data)
    assert [record.number for record in records] == list(range(1, len(records) + 1))


def test_arc_records_of_both_versions_with_blanks_in_addresses():
    head = b"filedesc://a.arc 0.0.0.0 20140216050221 text/plain 15\n1 0 The Archive\n\n"
    one = b"http://a/b c d 1.2.3.4 20140216050221 text/html %d\n" % len(PAGE) + PAGE
    two = (
        b"http://b/ 1.2.3.4 20140216050221 text/html 200 cksum - 99 a.arc %d\n"
        % len(PAGE)
    ) + PAGE
    records = read(head + one + b"\n" + two + b"\nbroken line\n", records=arc_records)
    assert [r.url for r in records[:3]] == [
        "filedesc://a.arc",
        "http://a/b c d",
        "http://b/",
    ]
    assert [r.block for r in records[1:3]] == [PAGE, PAGE]
    assert records[3] == 12


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data)[2:-4]),
        ("gzip", lambda data: data),
        ("br", lambda data: data),
        ("klingon", lambda data: data),
    ],
)
def test_content_is_decoded_as_its_headers_say_if_they_are_true(name, pack):
    block = f"HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\n\r\n".encode()
    response = http_response(block + pack(b"some text " * 50), 10**6)
    assert (response.status, response.content) == (200, b"some text " * 50)


@pytest.mark.parametrize(
    ("sent", "content"),
    [
        (b"4\r\nsome\r\n5;x=1\r\n text\r\n0\r\n\r\n", b"some text"),
        (b"4\r\nsome\r\n9\r\n te", b"some te"),
        (b"no chunks at all", b"no chunks at all"),
    ],
)
def test_chunks_are_joined_and_what_is_in_none_is_left(sent, content):
    head = b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n"
    assert http_response(head + sent, 1000).content == content


def test_a_page_that_is_a_bomb_is_refused():
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    with pytest.raises(UnreadableError, match="unpacks to more"):
        http_response(head + gzip.compress(bytes(10**6)), 10**5)


@pytest.mark.skipif(SHARED is None, reason="SCRATCHLM_SHARED is not set")
def test_real_archives_give_what_established_readers_give():
    """fastwarc reads WARC, warcio the old ARC; both on the same unpacked bytes."""
    from warcio.archiveiterator import ArchiveIterator

    limits = Limits(2**30, 10**6)
    paths = sorted((Path(SHARED) / "data" / "messy" / "warc").iterdir())
    assert len(paths) > 15
    for path in paths:
        if path.name == "warcio-bad.arc":  # no record of it has a length
            continue
        data = open_expanded(io.BytesIO(path.read_bytes()), limits)[0].read()
        own = arc_records if data.startswith(b"filedesc") else warc_records
        found = [r for r in read(data, 10**9, own) if isinstance(r, Record)]
        theirs = [
            (record.rec_type, record.raw_stream.read())
            for record in ArchiveIterator(io.BytesIO(data), no_record_parse=True)
        ]
        if path.name == "warcio-example-trunc.warc":  # it reads the wrong length
            assert [r.kind for r in found] == [kind for kind, _ in theirs]
            continue
        kinds = {"arc_header": "warcinfo"}
        for ours, (kind, block) in zip(found, theirs, strict=True):
            assert ours.kind == kinds.get(kind, kind), path.name
            assert ours.block is not None and ours.block.endswith(block), path.name
