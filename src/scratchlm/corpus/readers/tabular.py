"""Rows of CSV and TSV files, as mappings from the header's names."""

import csv
import io
from collections.abc import Iterator

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.row_texts import Row

SEPARATORS = ",;\t|"
MOST_FIELD_CHARS = 2**27


def csv_rows(text: str, separator: str | None = None) -> Iterator[Row]:
    """(number, mapping) of each record after the header; the number counts records.

    Without a `separator` the most frequent of , ; tab | in the first line is taken.

    Raises:
        UnreadableError: the quoting is broken beyond reading.
    """
    header, _, _ = text.partition("\n")
    separator = separator or max(SEPARATORS, key=header.count)
    before = csv.field_size_limit(MOST_FIELD_CHARS)
    try:
        records = csv.DictReader(io.StringIO(text), delimiter=separator)
        rows: list[Row] = list(enumerate(records, start=1))
    except csv.Error as error:
        raise UnreadableError(f"damaged CSV: {error}") from None
    finally:
        csv.field_size_limit(before)  # a setting of the whole process
    yield from rows
