"""Read the tokens of one split as one long array that lies in many files.

Files are mapped when first touched, so that a store can be sent to another process or
survive a fork, and so that nothing is read that is not used.
"""

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.atomic import read_json
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.data.shard import ShardHeader, map_items, read_header, verify_items

INDEX_NAME = "shards.json"
INDEX_FORMAT = "scratchlm-shards"
INDEX_VERSION = 1
_DOCUMENTS = -1  # the number of their map, beside those of the shards


@dataclass(frozen=True)
class SplitIndex:
    """What the index says of one split."""

    n_tokens: int
    n_documents: int
    n_bytes: int
    files: tuple[str, ...]
    documents: str

    @classmethod
    def read(cls, directory: Path, entry: dict[str, Any]) -> "SplitIndex":
        """Read one entry of the index.

        Raises:
            UserError: an entry that this version did not write.
        """
        try:
            return cls(**{**entry, "files": tuple(entry["files"])})
        except (KeyError, TypeError):
            raise UserError(_edited(directory)) from None


class TokenStore:
    """The tokens of one split, (n_tokens,), without loading them.

    Open with `TokenStore.open(directory, "train")`. `store[a:b]` is an array, across
    shards too; `len(store)` is the number of tokens.

    Attributes:
        n_documents: documents of the split.
        n_bytes: UTF-8 bytes of their texts.
        tokenizer_sha256: the tokenizer that made the ids.
        seed: the order that training should use, as the data's config says.
    """

    def __init__(
        self, directory: Path, split: SplitIndex, tokenizer_sha256: str, seed: int
    ) -> None:
        self.directory = directory
        self.n_documents = split.n_documents
        self.n_bytes = split.n_bytes
        self.tokenizer_sha256 = tokenizer_sha256
        self.seed = seed
        self._paths = [directory / name for name in split.files]
        self._headers = [read_header(path, "tokens") for path in self._paths]
        self._documents_path = directory / split.documents
        self._documents_header = read_header(self._documents_path, "documents")
        self._ends = list(accumulate(header.n_items for header in self._headers))
        self._maps: dict[int, NDArray[Any]] = {}
        self._check(split)

    @classmethod
    def open(cls, directory: Path, split: str) -> "TokenStore":
        """Open a split; checks headers and sizes, not every byte (see `verify`).

        Raises:
            UserError: no such data or split; a file missing, truncated or foreign.
        """
        index = read_index(directory)
        splits = index["splits"]
        if split not in splits:
            known = ", ".join(sorted(splits))
            raise UserError(f"{directory} holds no split {split!r}, only {known}")
        return cls(
            directory,
            SplitIndex.read(directory, splits[split]),
            index["tokenizer_sha256"],
            index["seed"],
        )

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, span: slice) -> NDArray[Any]:
        start, stop, step = span.indices(len(self))
        assert step == 1, "a store is read forwards, without gaps"
        parts = []
        while start < stop:
            shard = bisect_right(self._ends, start)
            first = self._ends[shard] - self._headers[shard].n_items
            part = self._map(shard)[start - first : stop - first]
            parts.append(part)
            start += len(part)
        if len(parts) == 1:
            return np.asarray(parts[0])
        return np.concatenate(parts) if parts else np.zeros(0, self.dtype)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the tokens: uint16 or uint32."""
        return self._headers[0].dtype if self._headers else np.dtype("<u2")

    @property
    def document_offsets(self) -> NDArray[np.int64]:
        """Where each document begins, and the end of the last, (n_documents + 1,)."""
        if _DOCUMENTS not in self._maps:
            found = map_items(self._documents_path, self._documents_header)
            self._maps[_DOCUMENTS] = found
        return self._maps[_DOCUMENTS]

    @property
    def fingerprint(self) -> str:
        """Hash of what the headers say of the content: changes with any token."""
        content = [header.content_sha256 for _, header in self._all_files()]
        return sha256_json([self.tokenizer_sha256, content])

    @property
    def n_files(self) -> int:
        """Shards of tokens."""
        return len(self._paths)

    def verify(self) -> None:
        """Read every file and compare checksums.

        Raises:
            UserError: names the first file that is damaged.
        """
        for path, header in self._all_files():
            verify_items(path, header)

    def find_damage(self) -> list[str]:
        """Read every file; one line for each whose checksum differs."""
        found = []
        for path, header in self._all_files():
            try:
                verify_items(path, header)
            except UserError as error:
                found.append(str(error))
        return found

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_maps": {}}

    def _map(self, shard: int) -> NDArray[Any]:
        if shard not in self._maps:
            self._maps[shard] = map_items(self._paths[shard], self._headers[shard])
        return self._maps[shard]

    def _check(self, split: SplitIndex) -> None:
        for path, header in self._all_files():
            if header.tokenizer_sha256 != self.tokenizer_sha256:
                raise UserError(
                    f"{path} was made with another tokenizer than its neighbours: "
                    "build the data again"
                )
        documents = (self._documents_header.n_items, self._documents_header.n_documents)
        if (len(self), *documents) != (
            split.n_tokens,
            split.n_documents + 1,
            split.n_documents,
        ):
            raise UserError(_edited(self.directory))

    def _all_files(self) -> list[tuple[Path, ShardHeader]]:
        files = list(zip(self._paths, self._headers, strict=True))
        return [*files, (self._documents_path, self._documents_header)]


def read_index(directory: Path) -> dict[str, Any]:
    """Read `shards.json`.

    Raises:
        UserError: missing, truncated or foreign.
    """
    path = directory / INDEX_NAME
    if not path.exists():
        raise UserError(f"{directory} holds no data ({INDEX_NAME}): build it first")
    index = read_json(path)
    if not isinstance(index, dict) or index.get("format") != INDEX_FORMAT:
        raise UserError(f"{path} is not an index of ScratchLM's: build the data again")
    if index.get("version") != INDEX_VERSION:
        raise UserError(f"{path} has another version: build the data again")
    if not {"splits", "tokenizer_sha256", "seed"} <= set(index):
        raise UserError(_edited(directory))
    return index


def _edited(directory: Path) -> str:
    return (
        f"the files in {directory} are not those that {INDEX_NAME} counts: build the "
        "data again"
    )
