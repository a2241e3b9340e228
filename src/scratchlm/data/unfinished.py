"""What a build under way has finished: read again after a kill, gone at its end.

The file `unfinished.json` is written after every shard. It names what the build was
made from; another build, or one whose shards are not all there, begins anew.
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import read_json, write_json
from scratchlm.base.errors import UserError
from scratchlm.data.shard import Kind, read_header
from scratchlm.data.store import SplitIndex

UNFINISHED_NAME = "unfinished.json"
_FORMAT = "scratchlm-unfinished-shards 1"


@dataclass(frozen=True)
class Reached:
    """How far a split is: its shards, and all that lies before a chunk of texts.

    The last shard may end inside that chunk; its tokens are made again and those that
    are already written are left out.
    """

    chunk: int = 0
    """The first chunk that must be encoded (again)."""
    n_tokens: int = 0
    """Tokens before that chunk."""
    n_documents: int = 0
    """Documents before it."""
    n_bytes: int = 0
    """UTF-8 bytes before it."""
    n_shards: int = 0
    """Shards that are written."""
    n_ends: int = 0
    """Files with the ends of the documents before the chunk."""


@dataclass(frozen=True)
class Unfinished:
    """A build that has not ended."""

    key: str | None
    """What it is made from; None: it cannot go on after a kill."""
    splits: dict[str, SplitIndex] = field(default_factory=dict)
    """The splits that are done."""
    split: str = ""
    """The one under way."""
    reached: Reached = Reached()
    """How far that one is."""

    def at(self, split: str, reached: Reached) -> "Unfinished":
        """The same with a split this far."""
        return replace(self, split=split, reached=reached)

    def with_done(self, split: str, index: SplitIndex) -> "Unfinished":
        """The same with one more split done."""
        splits = {**self.splits, split: index}
        return replace(self, splits=splits, split="", reached=Reached())

    def reached_in(self, split: str) -> Reached:
        """How far a split is."""
        return self.reached if split == self.split else Reached()

    def write(self, directory: Path) -> None:
        """Write the file, where the build can go on at all."""
        if self.key is not None:
            content = {"format": _FORMAT, **asdict(self)}
            write_json(directory / UNFINISHED_NAME, content)


def read_unfinished(directory: Path, key: str | None) -> Unfinished | None:
    """The build of a directory if it is the one with this key and can go on."""
    path = directory / UNFINISHED_NAME
    if key is None or not path.exists():
        return None
    try:
        found = _parse(directory, read_json(path))
        if found.key != key:
            return None
        _check_files(directory, found)
    except (UserError, KeyError, TypeError):
        return None
    return found


def shard_name(split: str, number: int) -> str:
    """Name of a split's shard."""
    return f"{split}_{number:05d}.bin"


def ends_name(split: str, number: int) -> str:
    """Name of a file of documents' ends, which is gone when the build has ended."""
    return f"{split}_{number:05d}.ends"


def _parse(directory: Path, content: dict[str, Any]) -> Unfinished:
    if content["format"] != _FORMAT:
        raise KeyError("format")
    splits = {
        split: SplitIndex.read(directory, entry)
        for split, entry in content["splits"].items()
    }
    reached = Reached(**content["reached"])
    return Unfinished(content["key"], splits, content["split"], reached)


def _check_files(directory: Path, found: Unfinished) -> None:
    """Raise UserError where a file is missing or has another size."""
    split, reached = found.split, found.reached
    files: list[tuple[str, Kind]] = [
        (shard_name(split, i), "tokens") for i in range(reached.n_shards)
    ]
    files += [(ends_name(split, i), "documents") for i in range(reached.n_ends)]
    for index in found.splits.values():
        files += [(name, "tokens") for name in index.files]
        files.append((index.documents, "documents"))
    for name, kind in files:
        read_header(directory / name, kind)
