"""Rows of CSV and TSV files, as mappings from the header's names."""

import csv
from collections.abc import Iterable, Iterator
from itertools import chain

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.row_texts import Row

SEPARATORS = ",;\t|"


def csv_rows(
    lines: Iterable[str], separator: str | None = None, most_chars: int = 2**26
) -> Iterator[Row]:
    """(number, mapping) of each record after the header; the number counts records.

    `lines` keep their line ends: a quoted field may hold some. Without a `separator`
    the most frequent of , ; tab | in the first line is taken.

    Raises:
        UnreadableError: the quoting is broken beyond reading, or a field is longer
            than `most_chars` (a quote that is never closed): after the rows before.
    """
    source = iter(lines)
    header = next(source, "")
    separator = separator or max(SEPARATORS, key=header.count)
    records = csv.DictReader(_checked(header, source), delimiter=separator)
    number = 0
    while True:
        before = csv.field_size_limit(most_chars)
        try:
            record = next(records, None)
        except csv.Error as error:
            raise UnreadableError(f"damaged CSV: {error}") from None
        finally:
            csv.field_size_limit(before)  # a setting of the whole process
        if record is None:
            return
        number += 1
        yield number, record


def _checked(header: str, source: Iterator[str]) -> Iterator[str]:
    """A bare carriage return within a line is a line end too."""
    for line in chain((header,), source):
        if "\r" in line.removesuffix("\n").removesuffix("\r"):
            yield from line.splitlines(keepends=True)
        else:
            yield line
