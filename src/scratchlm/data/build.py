"""Build shards: texts → ids, each document followed by `<|endoftext|>`.

The documents of a split lie one after the other and are cut every `shard_tokens`
tokens, also inside a document; where each begins is written beside. Threads encode
chunks of texts, one writes them in order: how many there are changes no byte.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from pydantic import Field

from scratchlm.base.atomic import remove_leftovers, write_json
from scratchlm.base.config import Config
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_count
from scratchlm.data.encoding import Encoded, encode_documents
from scratchlm.data.ordered import map_in_order
from scratchlm.data.split_writer import SplitWriter
from scratchlm.data.store import INDEX_FORMAT, INDEX_NAME, INDEX_VERSION, SplitIndex
from scratchlm.data.texts import Load, Texts, as_texts
from scratchlm.data.unfinished import (
    UNFINISHED_NAME,
    Reached,
    Unfinished,
    read_unfinished,
)
from scratchlm.tokenizer.tokenizer import Tokenizer

_CHUNKS_AHEAD = 6  # what is encoded while a shard is hashed and flushed to the disk
_SHARDS = "*_[0-9][0-9][0-9][0-9][0-9].bin"
_ENDS = "*_[0-9][0-9][0-9][0-9][0-9].ends"


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
    *,
    threads: int | None = None,
) -> None:
    """Write all splits to a directory; the index comes last, so it means done.

    Writes `<split>_00000.bin` and on, `<split>_documents.bin`, and `shards.json`. The
    same texts, tokenizer and config give the same bytes. Where every split's texts
    have a fingerprint (`ParquetTexts`, `PlainTexts`), a build that was killed goes on
    after the last shard that it finished.

    Args:
        config: size of the shards, and the seed of the order.
        documents: split -> texts, in order.
        tokenizer: gives the ids.
        directory: shards of an earlier build in it are deleted.
        progress: told how far it is.
        threads: that encode; None takes one a core where the C core encodes.

    Raises:
        UserError: the disk is full or cannot be written; texts that cannot be read.
    """
    sources = {split: as_texts(texts) for split, texts in documents.items()}
    state = _begin(_key(config, sources, tokenizer), directory)
    threads = _choose_threads(tokenizer) if threads is None else threads
    for split, texts in sources.items():
        if split in state.splits:
            continue
        writer = SplitWriter(
            directory,
            split,
            config.shard_tokens,
            tokenizer,
            state.reached_in(split),
            partial(_note, state, directory, split),
        )
        index = _write_split(writer, texts, tokenizer, threads, progress)
        state = state.with_done(split, index)
        state.write(directory)
    splits = {split: asdict(state.splits[split]) for split in sources}
    index_content = {
        "format": INDEX_FORMAT,
        "version": INDEX_VERSION,
        "tokenizer_sha256": tokenizer.sha256,
        "seed": config.seed,
        "splits": splits,
    }
    write_json(directory / INDEX_NAME, index_content)
    _delete(directory, UNFINISHED_NAME, _ENDS)


def _write_split(
    writer: SplitWriter,
    texts: Texts,
    tokenizer: Tokenizer,
    threads: int,
    progress: Progress,
) -> SplitIndex:
    def encode(load: Load) -> Encoded:
        return encode_documents(tokenizer, load())

    total = texts.n_chunks
    chunks = texts.chunks(writer.chunk)
    for encoded in map_in_order(encode, chunks, threads, _CHUNKS_AHEAD):
        writer.add(encoded)
        done = (writer.chunk, total) if total else (0, 1)
        note = f"{writer.split} {format_count(writer.n_tokens)} tokens"
        progress.update(*done, note)
    return writer.finish()


def _note(state: Unfinished, directory: Path, split: str, reached: Reached) -> None:
    state.at(split, reached).write(directory)


def _begin(key: str | None, directory: Path) -> Unfinished:
    """Go on with an earlier build, or delete what it left."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        remove_leftovers(directory)
        state = read_unfinished(directory, key)
        _delete(directory, INDEX_NAME)
        if state is None:
            _delete(directory, UNFINISHED_NAME, _SHARDS, "*_documents.bin", _ENDS)
    except OSError as error:
        raise UserError(
            f"{directory} cannot be written ({error.strerror}): give another place"
        ) from None
    return state or Unfinished(key)


def _delete(directory: Path, *patterns: str) -> None:
    for pattern in patterns:
        for path in directory.glob(pattern):
            path.unlink()


def _key(
    config: DataConfig, sources: Mapping[str, Texts], tokenizer: Tokenizer
) -> str | None:
    """Everything that decides the bytes; None where some texts cannot say."""
    prints = {split: texts.fingerprint for split, texts in sources.items()}
    if None in prints.values():
        return None
    return sha256_json([config.model_dump(), list(prints.items()), tokenizer.sha256])


def _choose_threads(tokenizer: Tokenizer) -> int:
    """Python encodes in one thread at a time: more would only wait."""
    return (os.cpu_count() or 1) if tokenizer.backend == "native" else 0
