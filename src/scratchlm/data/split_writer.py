"""Write one split: cut the stream into shards, note where each document ends.

Nothing is held but the tokens of one shard and what was encoded last.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scratchlm.data.encoding import Encoded
from scratchlm.data.shard import map_items, read_header, write_parts, write_shard
from scratchlm.data.store import SplitIndex
from scratchlm.data.unfinished import Reached, ends_name, shard_name
from scratchlm.tokenizer.tokenizer import Tokenizer

Tokens = NDArray[np.unsignedinteger]


class SplitWriter:
    """Collects the tokens of one split and writes a shard whenever one is full.

    Args:
        directory: of the shards.
        split: its name begins the names of its files.
        shard_tokens: tokens in a shard.
        tokenizer: made the ids.
        reached: where an earlier build was killed.
        on_shard: told how far the split is after every shard.
    """

    def __init__(
        self,
        directory: Path,
        split: str,
        shard_tokens: int,
        tokenizer: Tokenizer,
        reached: Reached,
        on_shard: Callable[[Reached], None],
    ) -> None:
        self._directory, self.split = directory, split
        self._shard_tokens = shard_tokens
        self._sha256, self._dtype = tokenizer.sha256, tokenizer.dtype
        self._on_shard = on_shard
        self.chunk = reached.chunk
        self.n_tokens = reached.n_tokens
        self._n_documents = reached.n_documents
        self._n_bytes = reached.n_bytes
        self._n_shards, self._n_ends = reached.n_shards, reached.n_ends
        self._n_written = reached.n_shards * shard_tokens
        self._waiting: list[Tokens] = []
        self._n_waiting = 0
        self._open_ends: list[NDArray[np.int64]] = []  # of documents in no shard yet
        self._new_ends: list[NDArray[np.int64]] = []  # in no file of ends yet

    def add(self, encoded: Encoded) -> None:
        """Add the next chunk's documents."""
        ends = encoded.ends + self.n_tokens
        self._open_ends.append(ends[ends > self._n_written])
        n_known = self._n_written + self._n_waiting - self.n_tokens
        self._wait_for(encoded.tokens[n_known:])
        while self._n_waiting >= self._shard_tokens:
            self._write_shard(self._shard_tokens)
            self._write_ends()
            self._on_shard(self._reached())
        self._new_ends.append(ends)
        self.chunk += 1
        self.n_tokens += len(encoded.tokens)
        self._n_documents += len(ends)
        self._n_bytes += encoded.n_bytes

    def finish(self) -> SplitIndex:
        """Write what waits and the file of the documents' ends."""
        if self._n_waiting:
            self._write_shard(self._n_waiting)
        name = f"{self.split}_documents.bin"
        write_parts(
            self._directory / name,
            "documents",
            self._all_ends(),
            self._n_documents,
            self._sha256,
        )
        files = tuple(shard_name(self.split, i) for i in range(self._n_shards))
        return SplitIndex(self.n_tokens, self._n_documents, self._n_bytes, files, name)

    def _reached(self) -> Reached:
        return Reached(
            self.chunk,
            self.n_tokens,
            self._n_documents,
            self._n_bytes,
            self._n_shards,
            self._n_ends,
        )

    def _wait_for(self, tokens: Tokens) -> None:
        self._waiting.append(tokens)
        self._n_waiting += len(tokens)

    def _take(self, n_tokens: int) -> Iterator[Tokens]:
        yield np.zeros(0, self._dtype)
        while n_tokens:
            first = self._waiting.pop(0)
            taken, rest = first[:n_tokens], first[n_tokens:]
            if len(rest):
                self._waiting.insert(0, rest)
            n_tokens -= len(taken)
            yield taken

    def _write_shard(self, n_tokens: int) -> None:
        self._n_written += n_tokens
        self._n_waiting -= n_tokens
        write_parts(
            self._directory / shard_name(self.split, self._n_shards),
            "tokens",
            self._take(n_tokens),
            self._count_ends(),
            self._sha256,
        )
        self._n_shards += 1

    def _count_ends(self) -> int:
        """Documents that end in the shard that ends at `_n_written`."""
        ends = np.concatenate(self._open_ends)
        n_ended = int(np.searchsorted(ends, self._n_written, "right"))
        self._open_ends = [ends[n_ended:]]
        return n_ended

    def _write_ends(self) -> None:
        """Write the ends of the documents of the chunks before this one."""
        ends = np.concatenate([np.zeros(0, np.int64), *self._new_ends])
        if len(ends):
            path = self._directory / ends_name(self.split, self._n_ends)
            write_shard(path, "documents", ends, len(ends), self._sha256)
            self._n_ends += 1
        self._new_ends = []

    def _all_ends(self) -> Iterator[NDArray[np.int64]]:
        yield np.zeros(1, np.int64)
        for number in range(self._n_ends):
            path = self._directory / ends_name(self.split, number)
            yield map_items(path, read_header(path, "documents"))
        yield from self._new_ends
