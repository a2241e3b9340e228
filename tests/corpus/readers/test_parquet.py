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


def test_text_columns_of_every_row_group_are_read_in_order():
    words = [f"row {n}" for n in range(2500)]
    data = make(
        {
            "n": list(range(2500)),
            "text": words,
            "kind": pa.array(["a"] * 2500).dictionary_encode(),
        }
    )
    rows = list(parquet_rows(data, LIMITS))
    assert [number for number, _ in rows] == list(range(1, 2501))
    assert rows[1800] == (1801, {"text": "row 1800", "kind": "a"})


def test_a_truncated_file_is_unreadable():
    data = make({"text": ["x"] * 100})
    for length in (len(data) - 1, len(data) // 2, 8):
        with pytest.raises(UnreadableError, match="damaged"):
            list(parquet_rows(data[:length], LIMITS))


def test_a_file_of_numbers_has_no_text():
    with pytest.raises(UnreadableError, match="without a column of text"):
        list(parquet_rows(make({"n": [1, 2]}), LIMITS))


def test_a_file_that_unpacks_beyond_the_limit_is_stopped():
    data = make({"text": ["x" * 1000] * 20_000})
    assert len(data) < 200_000
    with pytest.raises(UnreadableError, match="unpacks to more than"):
        list(parquet_rows(data, LIMITS))
