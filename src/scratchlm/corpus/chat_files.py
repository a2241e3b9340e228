"""Read a person's own conversations and preference pairs from a file.

A JSON array or JSON lines, plain or as .gz, .xz or .zst, in any dialect that
`chat_schemas` knows. A row that fits none is skipped, counted and named by its line
(in an array: by its number).
"""

import gzip
import io
import json
import lzma
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import zstandard

from scratchlm.base.errors import UserError
from scratchlm.corpus.chat_items import Row, seeded_fraction, seeded_order
from scratchlm.corpus.chat_schemas import (
    BadRowError,
    first_question,
    parse_conversation,
    parse_preference,
)

TEST_SHARE = 0.1
MAX_TEST_ROWS = 400
N_NAMED = 5
"""How many skipped rows of one reason the notes name."""

_T = TypeVar("_T")


def read_conversations(
    path: Path, seed: int, limit: int
) -> tuple[list[Row], dict[str, Any]]:
    """Read conversations, split by the hash of what is first asked.

    Returns the rows (kind `given`, split train or test, sorted by id; at most
    `limit` for training) and notes on schemas, counts and skipped rows.

    Raises:
        UserError: the file cannot be read or has no usable row.
    """
    found, notes = _read_rows(path, parse_conversation)
    rows = [
        {
            "id": f"given-{line:07d}",
            "kind": "given",
            "form": schema,
            "messages": messages,
            "reference": messages[-1]["content"],
        }
        for line, schema, messages in found
    ]
    kept = _split(rows, lambda row: first_question(row["messages"]), seed, limit)
    notes["beyond max_conversations"] = len(rows) - len(kept)
    return kept, notes


def read_preferences(path: Path, seed: int) -> tuple[list[Row], dict[str, Any]]:
    """Read preference pairs, split by the hash of the prompt.

    Raises:
        UserError: the file cannot be read or has no usable row.
    """
    found, notes = _read_rows(path, parse_preference)
    rows = [
        {"id": f"given-{line:07d}", "kind": "given", **pair} for line, _, pair in found
    ]
    return _split(
        rows, lambda row: first_question(row["prompt"]), seed, len(rows)
    ), notes


def read_json_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (line or number from 1, value) of a JSON array or of JSON lines.

    A line that is no JSON gives the exception as its value.
    """
    try:
        with _open(path) as file:
            start = file.read(4096).decode("utf-8-sig", errors="replace").lstrip()
        if start.startswith("["):
            with _open(path) as file:
                yield from enumerate(json.loads(file.read().decode("utf-8-sig")), 1)
            return
        with _open(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _loads(line)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    except (
        EOFError,
        lzma.LZMAError,
        zstandard.ZstdError,
        ValueError,
        RecursionError,
    ) as error:
        raise UserError(
            f"cannot read {path}: broken or truncated ({error}); give a JSON array or "
            "JSON lines in UTF-8, plain or as .gz, .xz or .zst"
        ) from None


def _open(path: Path) -> io.BufferedIOBase:
    if path.suffix == ".gz":
        return gzip.GzipFile(path, "rb")
    if path.suffix == ".xz":
        return lzma.LZMAFile(path, "rb")
    file = path.open("rb")
    if path.suffix == ".zst":
        reader = zstandard.ZstdDecompressor().stream_reader(file, closefd=True)
        return io.BufferedReader(reader)
    return file


def _loads(line: bytes) -> Any:
    try:
        return json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return BadRowError("not JSON in UTF-8")


def _read_rows(
    path: Path, parse: Callable[[Any], tuple[str, _T]]
) -> tuple[list[tuple[int, str, _T]], dict[str, Any]]:
    good: list[tuple[int, str, _T]] = []
    bad: dict[str, list[int]] = {}
    for number, value in read_json_rows(path):
        try:
            if isinstance(value, BadRowError):
                raise value
            good.append((number, *parse(value)))
        except BadRowError as reason:
            bad.setdefault(str(reason), []).append(number)
    if not good:
        first = next(iter(bad), "it has no rows")
        raise UserError(f"no usable row in {path}: {first}; see docs/corpus_chat.md")
    notes = {
        "file": path.name,
        "schemas": dict(sorted(Counter(schema for _, schema, _ in good).items())),
        "rows": len(good),
        "skipped": {
            reason: {"rows": len(lines), "first": lines[:N_NAMED]}
            for reason, lines in sorted(bad.items())
        },
    }
    return good, notes


def _split(
    rows: list[Row], asked: Callable[[Row], str], seed: int, limit: int
) -> list[Row]:
    """Set the split of each row by what it asks: equal questions stay together.

    Of very few questions one at least goes to each side.
    """
    ordered = seeded_order(seed, "given", {asked(row) for row in rows}, str)
    shares = {text: seeded_fraction(seed, "split", text) for text in ordered}
    test = [text for text in ordered if shares[text] < TEST_SHARE][:MAX_TEST_ROWS]
    if len(test) in (0, len(ordered)):
        test = ordered[: len(ordered) // 2][:1]
    chosen = set(test)
    sides: dict[str, list[Row]] = {"train": [], "test": []}
    for row in rows:
        split = "test" if asked(row) in chosen else "train"
        sides[split].append({**row, "split": split})
    train = seeded_order(seed, "limit", sides["train"], lambda row: str(row["id"]))
    return sorted([*train[:limit], *sides["test"]], key=lambda row: str(row["id"]))
