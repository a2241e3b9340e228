"""Plain rows on disk: one JSON object a line, UTF-8, nothing escaped needlessly.

Lines end at "\\n" only: U+2028 and its like are ordinary characters of a text.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import atomic_path
from scratchlm.base.errors import UserError


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a jsonl file, in order; blank lines are passed over.

    Raises:
        UserError: no such file, or a line that is no JSON object (with its number).
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    with file:
        for number, line in enumerate(file, start=1):
            try:
                if not line.isspace():
                    yield _parse(line)
            except ValueError as error:
                raise UserError(
                    f"{path}, line {number} is not a JSON object ({error}); "
                    "repair the line or make the file anew"
                ) from None


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write rows atomically and say how many there were."""
    n_rows = 0
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")
            n_rows += 1
    return n_rows


def _parse(line: bytes) -> dict[str, Any]:
    row = json.loads(line)
    if not isinstance(row, dict):
        raise ValueError(f"found a {type(row).__name__}")
    return row
