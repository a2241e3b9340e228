"""Which field of a row holds its text.

Rows come from json, jsonl, csv and parquet alike: strings, or mappings. A mapping's
text is the field that the user named; else the first known name it has; else the
column that reads like text: the longest on average in the first 200 rows (or 4 MB),
if that is at least 80 characters.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from math import isfinite
from typing import Any

from scratchlm.corpus.clean import printable_name
from scratchlm.corpus.decode import UnreadableError

_NAMES = """text content body raw_content markdown article document passage story
    code page_content paragraph sentence"""
KNOWN = tuple(_NAMES.split())
# The name in a document's metadata, and what rows call it.
FACTS = {
    "licence": ("license", "licence", "License"),
    "url": ("url", "URL", "uri", "source_url"),
    "language": ("language", "lang", "Language"),
    "title": ("title", "Title"),
    "date": ("date", "timestamp", "created", "Date"),
}
LOOK_AHEAD = 200
LOOK_AHEAD_CHARS = 4 * 2**20
FEWEST_MEAN_CHARS = 80
MOST_FACT_CHARS = 2000
NO_TEXT = "no text field (name it with text_field)"

Row = tuple[int, Any]


@dataclass(frozen=True)
class Text:
    """A text, the number of its row (None: the whole file), and what is said of it:
    licence, url, language, title, date.
    """

    text: str
    row: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Fields:
    """What to take from rows: the field of the text, where it is named, and further
    columns to keep.
    """

    named: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """Columns that are needed whatever they hold."""
        return (*((self.named,) if self.named else ()), *self.columns)


def row_texts(
    rows: Iterable[Row], fields: Fields, leave_out: Callable[[int, list[str]], None]
) -> Iterator[Text]:
    """Texts of (number, row) pairs; `leave_out` is told of rows without any: their
    number and the names of their fields.

    Raises:
        UnreadableError: as `rows` does, after the texts of all rows before.
    """
    coming = iter(rows)
    first: list[Row] = []
    try:
        first.extend(_look_ahead(coming))
        damage = None
    except UnreadableError as error:  # raised again after the rows before it
        damage = error
    guessed = () if fields.named else _longest_column(first)
    names = (fields.named,) if fields.named else (*KNOWN, *guessed)
    for number, row in chain(_emptied(first), coming):
        text = row if isinstance(row, str) and not fields.named else _pick(row, names)
        if text is None:
            leave_out(number, _names(row))
            continue
        yield Text(text, number, _facts(row, fields.columns))
    if damage is not None:
        raise damage


def _look_ahead(rows: Iterator[Row]) -> Iterator[Row]:
    n_chars = 0
    for row in islice(rows, LOOK_AHEAD):
        yield row
        n_chars += _count_chars(row[1])
        if n_chars > LOOK_AHEAD_CHARS:
            return


def _emptied(rows: list[Row]) -> Iterator[Row]:
    """The rows, each let go of when it is given."""
    rows.reverse()
    while rows:
        yield rows.pop()


def _count_chars(row: Any) -> int:
    if isinstance(row, Mapping):
        return sum(len(value) for value in row.values() if isinstance(value, str))
    return len(row) if isinstance(row, str) else 0


def _facts(row: Any, columns: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, fields in FACTS.items():
        value = _pick(row, fields)
        if value and len(value) <= MOST_FACT_CHARS:
            found[name] = printable_name(value)
    if isinstance(row, Mapping):
        for name in columns:
            kept: Any = row.get(name)
            if isinstance(kept, str):
                found[name] = printable_name(kept)
            elif isinstance(kept, int) or (isinstance(kept, float) and isfinite(kept)):
                found[name] = kept  # JSON has no other numbers
    return found


def _pick(row: Any, fields: Iterable[str | None]) -> str | None:
    if not isinstance(row, Mapping):
        return None
    values = (row.get(field) for field in fields)
    return next((value for value in values if isinstance(value, str)), None)


def _names(row: Any) -> list[str]:
    if isinstance(row, Mapping):
        return [printable_name(str(key)[:40]) for key in islice(row, 12)]
    return [type(row).__name__]


def _longest_column(rows: list[Row]) -> tuple[str, ...]:
    """The name of the column that reads like text, if one does."""
    chars: dict[str, int] = defaultdict(int)
    for _, row in rows:
        if isinstance(row, Mapping):
            for key, value in row.items():
                if isinstance(value, str) and isinstance(key, str):
                    chars[key] += len(value)
    long = [(n, key) for key, n in chars.items() if n >= FEWEST_MEAN_CHARS * len(rows)]
    return (max(long)[1],) if long else ()
