"""Rows of Parquet files, string columns only, a batch of some megabytes at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.expand import Limits
from scratchlm.corpus.readers.row_texts import Row

BATCH_ROWS = 1024
BATCH_BYTES = 16 * 2**20
DAMAGED = "damaged parquet file"
_TEXTS = ("string", "large_string", "string_view")


def parquet_rows(
    stream: BinaryIO,
    limits: Limits,
    groups: tuple[int, int | None] = (0, None),
    wanted: Sequence[str] = (),
) -> Iterator[Row]:
    """(number in the row groups, mapping) of each row of a seekable file.

    Only columns of text are looked at, and those that are `wanted`. `groups` is the
    range of row groups.

    Raises:
        UnreadableError: damaged (after the rows before the damage), without text
            columns, or larger than the limits allow.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = n_bytes = 0
    try:
        file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=2**20)
        columns = [f.name for f in file.schema_arrow if _is_text(f) or f.name in wanted]
        if not any(_is_text(field) for field in file.schema_arrow):
            raise UnreadableError("parquet file without a column of text")
        rows = range(file.metadata.num_row_groups)[groups[0] : groups[1]]
        for group in rows:
            size = _batch_rows(file.metadata.row_group(group))
            for batch in file.iter_batches(size, row_groups=[group], columns=columns):
                n_bytes += batch.nbytes
                if n_bytes > limits.max_bytes:
                    reason = f"unpacks to more than {limits.max_bytes} bytes"
                    raise UnreadableError(reason)
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise UnreadableError(DAMAGED) from None


def _batch_rows(group: Any) -> int:
    """Rows of about 16 MB, by what the file says of the row group."""
    mean = group.total_byte_size / max(group.num_rows, 1)
    return max(1, min(BATCH_ROWS, int(BATCH_BYTES / max(mean, 1))))


def _is_text(field: Any) -> bool:
    kind = str(field.type)
    return kind in _TEXTS or (
        kind.startswith("dictionary<")
        and kind.partition("values=")[2].startswith(_TEXTS)
    )
