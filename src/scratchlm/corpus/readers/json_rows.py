"""Rows of JSON and JSON-lines files. A bad line costs that line, not the file."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.lines import TOO_LONG, Line
from scratchlm.corpus.readers.row_texts import Row

NOT_JSON = "not JSON"
READ_CHARS = 2**16
_SPACE = " \t\r\n"


Fail = Callable[[int, str, int], None]
"""Told of a row that cannot be read: its number, the reason, its bytes."""


def jsonl_rows(
    lines: Iterable[Line], decode: Callable[[bytes], str], fail: Fail
) -> Iterator[Row]:
    """(line number, value) of each line that is not blank.

    What is no JSON, longer than may be or in no encoding goes to `fail`.
    """
    for line in lines:
        if line.data is None:
            fail(line.number, TOO_LONG, line.n_bytes)
            continue
        if not line.data.strip():
            continue
        try:
            yield line.number, _loads(decode(line.data))
        except UnreadableError as error:
            fail(line.number, str(error), line.n_bytes)


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


def list_rows(read: Callable[[int], str], most_chars: int) -> Iterator[Row]:
    """(number, value) of the elements of one JSON list, which is never held as a whole.

    `read` gives so many further characters, "" at the end.

    Raises:
        UnreadableError: no list, damaged, cut off or an element longer than
            `most_chars`: after all the elements before.
    """
    scan = json.JSONDecoder().raw_decode
    text = _Ahead(read)
    if text.next_mark() != "[":
        raise UnreadableError(NOT_JSON)
    text.place += 1
    number, mark = 0, ","
    if text.next_mark() == "]":
        return
    while mark == ",":
        number += 1
        yield number, text.scan(scan, most_chars)
        mark = text.next_mark()
        text.place += 1
    if mark != "]":
        raise UnreadableError("damaged JSON: the rest of the list is not read")
    if text.next_mark():
        raise UnreadableError("damaged JSON: text after the end of the list")


class _Ahead:
    """Text that is read as far as it is looked at."""

    def __init__(self, read: Callable[[int], str]) -> None:
        self._read, self._text = read, ""
        self.place = 0

    def next_mark(self) -> str:
        """The next character that is not blank; "" at the end."""
        while True:
            while self.place < len(self._text):
                if self._text[self.place] not in _SPACE:
                    return self._text[self.place]
                self.place += 1
            if not self._more(READ_CHARS):
                return ""

    def scan(self, scan: Callable[[str, int], tuple[Any, int]], most_chars: int) -> Any:
        """The value that begins here."""
        self.next_mark()
        self._text, self.place = self._text[self.place :], 0
        ended = False
        while True:
            try:
                value, end = scan(self._text, 0)
                if ended or _is_whole(value, self._text[end : end + 1]):
                    self.place = end
                    return value
            except RecursionError:
                raise UnreadableError("damaged JSON: nested too deep") from None
            except ValueError as error:
                if ended or _is_hopeless(error, len(self._text)):
                    raise UnreadableError(
                        "damaged JSON: the rest of the list is not read"
                    ) from None
            if len(self._text) > most_chars:
                raise UnreadableError(f"an element longer than {most_chars} characters")
            ended = not self._more(max(READ_CHARS, len(self._text)))

    def _more(self, n_chars: int) -> bool:
        piece = self._read(n_chars)
        self._text = self._text[self.place :] + piece
        self.place = 0
        return bool(piece)


def _is_whole(value: Any, after: str) -> bool:
    """Whether a value ends where it was read to: 12 may be the beginning of 123."""
    return bool(after) and (
        not isinstance(value, int | float) or after in ",]" + _SPACE
    )


def _is_hopeless(error: ValueError, n_chars: int) -> bool:
    """Whether the error lies well before the end of what was read so far: then more
    text cannot repair it. A string without an end is an error at its beginning.
    """
    place = getattr(error, "pos", 0)
    return place < n_chars - 16 and "Unterminated" not in str(error)


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
        raise UnreadableError(NOT_JSON) from None
