import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import Limits
from scratchlm.corpus.readers.parquet import parquet_rows

LIMITS = Limits(2**24, 200)


def make(columns: dict) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, row_group_size=700)
    return buffer.getvalue()


def read(data: bytes, *arguments) -> list:
    return list(parquet_rows(io.BytesIO(data), LIMITS, *arguments))


@pytest.fixture(scope="module")
def rows() -> bytes:
    words = [f"row {n}" for n in range(2500)]
    kinds = pa.array(["a"] * 2500).dictionary_encode()
    return make({"n": list(range(2500)), "text": words, "kind": kinds})


def test_text_columns_of_every_row_group_are_read_in_order(rows):
    found = read(rows)
    assert [number for number, _ in found] == list(range(1, 2501))
    assert found[1800] == (1801, {"text": "row 1800", "kind": "a"})


def test_ranges_of_row_groups_make_up_the_whole(rows):
    parts = [read(rows, (0, 1)), read(rows, (1, 3)), read(rows, (3, None))]
    texts = [row["text"] for part in parts for _, row in part]
    assert texts == [f"row {n}" for n in range(2500)]


def test_a_column_that_is_wanted_is_read_though_it_is_no_text(rows):
    assert read(rows, (0, 1), ("n",))[5][1]["n"] == 5


def test_a_truncated_file_is_unreadable():
    data = make({"text": ["x"] * 100})
    for length in (len(data) - 1, len(data) // 2, 8):
        with pytest.raises(UnreadableError, match="damaged"):
            read(data[:length])


def test_rows_before_a_damaged_page_are_given():
    texts = [f"{n} " * 50 for n in range(2100)]
    data = bytearray(make({"text": pa.array(texts)}))
    place = pq.ParquetFile(io.BytesIO(bytes(data))).metadata.row_group(2).column(0)
    data[place.data_page_offset : place.data_page_offset + 40] = bytes(40)
    found = []
    with pytest.raises(UnreadableError, match="damaged"):
        for _, row in parquet_rows(io.BytesIO(bytes(data)), LIMITS):
            found.append(row["text"])
    assert found == texts[:1400]


def test_a_file_of_numbers_has_no_text():
    with pytest.raises(UnreadableError, match="without a column of text"):
        read(make({"n": [1, 2]}))


def test_a_file_that_unpacks_beyond_the_limit_is_stopped():
    data = make({"text": ["x" * 1000] * 20_000})
    assert len(data) < 200_000
    with pytest.raises(UnreadableError, match="unpacks to more than"):
        read(data)
