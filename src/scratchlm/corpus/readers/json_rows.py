"""Rows of JSON and JSON-lines files. A bad line costs that line, not the file."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.row_texts import Row
from scratchlm.corpus.receipt import Step


def jsonl_rows(text: str, file_name: str, step: Step) -> Iterator[Row]:
    """(line number, value) of each line; what is no JSON is dropped into `step`."""
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, _loads(line)
        except UnreadableError as error:
            step.drop(f"{file_name}:{number}", str(error), len(line))


def json_rows(text: str) -> Iterator[Row]:
    """(number, value) of the rows of one JSON value.

    A list gives its elements; a mapping that holds a list of mappings or strings
    (`{"data": [...]}`) that list; any other mapping, and a string, is one row.

    Raises:
        UnreadableError: no JSON, or a value that cannot hold text.
    """
    value = _loads(text)
    if isinstance(value, Mapping):
        lists = [part for part in value.values() if _holds_rows(part)]
        value = max(lists, key=len) if lists else [value]
    elif isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise UnreadableError("JSON without any text")
    yield from enumerate(value, start=1)


def _holds_rows(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(element, Mapping | str) for element in value)
    )


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError("not JSON") from None
