"""Build shards: texts → ids, each document followed by `<|endoftext|>`.

The documents of a split lie one after the other and are cut every `shard_tokens`
tokens, also inside a document; where each begins is written beside.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scratchlm.base.atomic import write_json
from scratchlm.base.config import Config
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_count
from scratchlm.data.shard import write_shard
from scratchlm.data.store import INDEX_FORMAT, INDEX_NAME, INDEX_VERSION, SplitIndex
from scratchlm.tokenizer.tokenizer import Tokenizer


class DataConfig(Config):
    """How texts become shards."""

    shard_tokens: int = Field(default=1 << 24, ge=1)
    """Tokens in a shard; the last one of a split has fewer."""
    seed: int = 0
    """Decides the order of the rows in training."""


def build_shards(
    config: DataConfig,
    documents: Mapping[str, Iterable[str]],
    tokenizer: Tokenizer,
    directory: Path,
    progress: Progress = SILENT,
) -> None:
    """Write all splits to a directory; the index comes last, so it means done.

    Writes `<split>_00000.bin` and on, `<split>_documents.bin`, and `shards.json`. The
    same texts, tokenizer and config give the same bytes.

    Args:
        config: size of the shards, and the seed of the order.
        documents: split -> texts, in order.
        tokenizer: gives the ids.
        directory: shards of an earlier build in it are deleted.
        progress: told how far it is.

    Raises:
        UserError: the disk is full.
    """
    _delete_earlier_build(directory)
    splits = {}
    for split, texts in documents.items():
        writer = _SplitWriter(config.shard_tokens, split, tokenizer, directory)
        for text in texts:
            writer.add(text)
            progress.update(0, 1, f"{split} {format_count(writer.n_tokens)} tokens")
        splits[split] = asdict(writer.finish())
    index = {
        "format": INDEX_FORMAT,
        "version": INDEX_VERSION,
        "tokenizer_sha256": tokenizer.sha256,
        "seed": config.seed,
        "splits": splits,
    }
    write_json(directory / INDEX_NAME, index)


def _delete_earlier_build(directory: Path) -> None:
    (directory / INDEX_NAME).unlink(missing_ok=True)
    for pattern in ("*_[0-9][0-9][0-9][0-9][0-9].bin", "*_documents.bin"):
        for path in directory.glob(pattern):
            path.unlink()


class _SplitWriter:
    """Collects the tokens of one split and writes a shard whenever one is full."""

    def __init__(
        self, shard_tokens: int, split: str, tokenizer: Tokenizer, directory: Path
    ) -> None:
        self._shard_tokens = shard_tokens
        self._split = split
        self._tokenizer = tokenizer
        self._directory = directory
        self._end = np.array([tokenizer.endoftext_id], tokenizer.dtype)
        self._waiting: list[NDArray[np.unsignedinteger]] = []
        self._n_waiting = 0
        self._n_bytes = 0
        self._n_written = 0
        self._offsets = [0]
        self._files: list[str] = []

    @property
    def n_tokens(self) -> int:
        return self._offsets[-1]

    def add(self, text: str) -> None:
        ids = self._tokenizer.encode_to_numpy(text)
        self._n_bytes += int(self._tokenizer.byte_lengths[ids].sum(dtype=np.int64))
        self._waiting += [ids, self._end]
        self._n_waiting += len(ids) + 1
        self._offsets.append(self._offsets[-1] + len(ids) + 1)
        if self._n_waiting >= self._shard_tokens:
            self._write_full_shards()

    def finish(self) -> SplitIndex:
        self._write_full_shards()
        if self._n_waiting:
            self._write(np.concatenate(self._waiting))
        name = f"{self._split}_documents.bin"
        n_documents = len(self._offsets) - 1
        offsets = np.array(self._offsets, np.int64)
        write_shard(
            self._directory / name,
            "documents",
            offsets,
            n_documents,
            self._tokenizer.sha256,
        )
        return SplitIndex(
            self.n_tokens, n_documents, self._n_bytes, tuple(self._files), name
        )

    def _write_full_shards(self) -> None:
        size = self._shard_tokens
        waiting = np.concatenate([self._end[:0], *self._waiting])
        n_full = len(waiting) // size
        for shard in range(n_full):
            self._write(waiting[shard * size : (shard + 1) * size])
        rest = waiting[n_full * size :]
        self._waiting, self._n_waiting = [rest], len(rest)

    def _write(self, tokens: NDArray[np.unsignedinteger]) -> None:
        name = f"{self._split}_{len(self._files):05d}.bin"
        before, self._n_written = self._n_written, self._n_written + len(tokens)
        ends = np.searchsorted(self._offsets[1:], [before, self._n_written], "right")
        write_shard(
            self._directory / name,
            "tokens",
            tokens,
            int(ends[1] - ends[0]),
            self._tokenizer.sha256,
        )
        self._files.append(name)
