"""Rows of Parquet files, string columns only, a row group at a time."""

from collections.abc import Iterator

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import Limits
from scratchlm.corpus.readers.row_texts import Row

BATCH_ROWS = 1024


def parquet_rows(data: bytes, limits: Limits) -> Iterator[Row]:
    """(number, mapping) of each row; only columns of text are looked at.

    Raises:
        UnreadableError: damaged, without text columns, or larger than the limits allow.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = n_bytes = 0
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        columns = [field.name for field in file.schema_arrow if _is_text(field)]
        if not columns:
            raise UnreadableError("parquet file without a column of text")
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            n_bytes += batch.nbytes
            if n_bytes > limits.max_bytes:
                raise UnreadableError(f"unpacks to more than {limits.max_bytes} bytes")
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise UnreadableError("damaged parquet file") from None


def _is_text(field: object) -> bool:
    return str(getattr(field, "type", "")) in {
        "string",
        "large_string",
        "string_view",
        "dictionary<values=string, indices=int32, ordered=0>",
    }
