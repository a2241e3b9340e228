"""Which field of a row holds its text.

Rows come from json, jsonl, csv and parquet alike: strings, or mappings. A mapping's
text is the field that the user named; else the first known name it has; else the
column that reads like text: the longest on average in the first 200 rows, if that is
at least 80 characters.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from scratchlm.corpus.clean import printable_name
from scratchlm.corpus.receipt import Step

_NAMES = """text content body raw_content markdown article document passage story
    code page_content paragraph sentence"""
KNOWN = tuple(_NAMES.split())
LICENCES = ("license", "licence", "License")
LOOK_AHEAD = 200
FEWEST_MEAN_CHARS = 80

Row = tuple[int, Any]


@dataclass(frozen=True)
class Text:
    """A text, the number of its row (None: the whole file), and its licence."""

    text: str
    row: int | None = None
    licence: str | None = None


def row_texts(
    rows: Iterable[Row], named: str | None, file_name: str, step: Step
) -> Iterator[Text]:
    """Texts of (number, row) pairs; rows without any are dropped into `step`."""
    source = iter(rows)
    first = list(islice(source, LOOK_AHEAD))
    fields = (named,) if named else (*KNOWN, *_longest_column(first))
    for number, row in chain(first, source):
        text = row if isinstance(row, str) and not named else _pick(row, fields)
        if text is None:
            example = {"name": f"{file_name}:{number}", "fields": _names(row)}
            step.drop(example, "no text field (name it with corpus.text_field)")
            continue
        step.keep(len(text.encode("utf-8", "surrogatepass")))
        licence = _pick(row, LICENCES)
        yield Text(text, number, licence and printable_name(licence[:100]))


def _pick(row: Any, fields: Iterable[str]) -> str | None:
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
