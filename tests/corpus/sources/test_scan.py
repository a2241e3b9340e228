import hashlib
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.sources import scan
from scratchlm.corpus.sources.scan import scan_lines, scan_row_groups


def lines(data: bytes, cut_bytes: int, unit: str | None = "lines") -> scan.FileScan:
    return scan_lines(io.BytesIO(data), cut_bytes, unit)


@given(st.binary(max_size=200), st.integers(1, 50), st.integers(1, 60))
def test_parts_cover_a_file_and_begin_where_lines_begin(data, cut_bytes, block):
    before, scan.BLOCK_BYTES = scan.BLOCK_BYTES, block
    try:
        found = lines(data, cut_bytes)
    finally:
        scan.BLOCK_BYTES = before
    assert found == lines(data, cut_bytes)  # whatever pieces the file is read in
    at = 0
    for part in found.parts:
        content = data[part.begin : part.end]
        assert part.begin == at and part.n_bytes == len(content)
        assert part.begin == 0 or data[part.begin - 1 : part.begin] == b"\n"
        assert part.first_row == data[: part.begin].count(b"\n")
        assert part.fingerprint == hashlib.sha256(content).hexdigest()
        at = part.end
    assert at in (0, len(data))
    assert all(part.n_bytes >= cut_bytes for part in found.parts[:-1])


def test_a_file_that_grows_at_its_end_changes_its_last_part_only():
    data = b"".join(b"line %d\n" % number for number in range(100))
    old, new = lines(data, 100).parts, lines(data + b"more\n" * 50, 100).parts
    assert len(old) > 5 and new[: len(old) - 1] == old[:-1]


def test_a_file_that_is_not_cut_has_the_hash_of_its_content():
    data = b"a\nb\n" * 100
    for found in (lines(data, 10_000), lines(data, 10, None)):
        assert found == scan.FileScan(hashlib.sha256(data).hexdigest())
    assert lines(b"", 10).fingerprint == hashlib.sha256(b"").hexdigest()


def test_what_cannot_be_cut_at_newlines_stays_whole():
    wide = ("line\n" * 100).encode("utf-16")
    latin = "käse\n".encode("latin-1") * 100
    assert not lines(wide, 50).parts and not lines(wide, 50, "text").parts
    assert not lines(latin, 50, "text").parts
    assert lines("käse\n".encode() * 100, 50, "text").parts
    assert lines(latin, 50, "lines").parts  # a bad line is that line's matter
    late = b"line\n" * 100 + b"\0"
    assert not lines(late, 50).parts
    assert lines(late, 50).fingerprint != lines(late + b"\0", 50).fingerprint


@pytest.fixture
def parquet() -> bytes:
    table = pa.table({"text": [f"{number} " * 50 for number in range(100)]})
    stream = io.BytesIO()
    pq.write_table(table, stream, row_group_size=10, compression=None)
    return stream.getvalue()


def test_parquet_is_cut_between_row_groups(parquet):
    found = scan_row_groups(io.BytesIO(parquet), len(parquet) // 4, "f")
    assert [part.begin for part in found.parts] == [
        0,
        *(part.end for part in found.parts[:-1]),
    ]
    assert found.parts[-1].end == 10 and 3 <= len(found.parts) <= 5
    assert [part.first_row for part in found.parts] == [
        10 * part.begin for part in found.parts
    ]
    assert {part.fingerprint for part in found.parts} == {"f"}


def test_damaged_or_small_parquet_is_not_cut(parquet):
    assert not scan_row_groups(io.BytesIO(parquet[:-9]), 100, "f").parts
    assert not scan_row_groups(io.BytesIO(b"PAR1"), 100, "f").parts
    assert not scan_row_groups(io.BytesIO(parquet), 10**9, "f").parts
