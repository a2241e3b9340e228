"""The first task of a shard: read its pieces, apply the rules, write what passes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_json
from scratchlm.base.hashing import sha256_json
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.apply_rules import check_canaries, filter_documents
from scratchlm.corpus.flow.stages import DOCUMENTS, ShardTasks
from scratchlm.corpus.flow.table import DocumentWriter
from scratchlm.corpus.flow.task import Task
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.sources.config import SourceConfig
from scratchlm.corpus.sources.piece import InputShard

RECEIPT = "receipt.json"
# What of a source decides its documents; its weight or place does not.
OF_SOURCE = ("name", "text_field", "columns", "licence", "language")


def read_tasks(
    shards: Sequence[InputShard],
    sources: Mapping[str, SourceConfig],
    settings: Mapping[str, Any],
    cache: Path,
) -> list[tuple[Task, ShardTasks]]:
    """A task for each input shard, and the shard that it makes.

    `settings` are the sections of the configuration that reading and rules go by.
    """
    made = []
    for shard in shards:
        source = sources[shard.source]
        names = [(piece.name, piece.begin) for piece in shard.pieces]
        key = f"{shard.source}-{sha256_json([shard.source, names])[:16]}"
        arguments = {
            "input": shard.fingerprint,
            "source": {name: getattr(source, name) for name in OF_SOURCE},
            "settings": settings,
        }
        hidden = {"shard": shard, "config": source, "cache": cache}
        name, n_bytes = f"read/{key}", max(1, shard.n_bytes)
        task = Task(name, read_documents, arguments, {}, hidden, n_bytes=n_bytes)
        made.append((task, ShardTasks(key, shard.source, name, n_bytes=n_bytes)))
    return made


def read_documents(
    inputs: Mapping[str, Path], arguments: Mapping[str, Any], out: Path, memory: int
) -> None:
    """The task: `documents.parquet` and `receipt.json`."""
    from scratchlm.corpus.sources.read import read_shard
    from scratchlm.corpus.steps import build_rules

    settings, receipt = arguments["settings"], Receipt()
    rules = build_rules(settings)
    check_canaries(rules)
    documents = read_shard(
        arguments["shard"],
        arguments["config"],
        settings["read"],
        receipt,
        arguments["cache"],
    )
    some = sample_documents(documents, settings.get("sample"))
    with DocumentWriter(out / DOCUMENTS, lasting=False) as writer:
        for document in filter_documents(rules, some, receipt):
            writer.write(document)
    write_json(out / RECEIPT, receipt.to_json())


def sample_documents(
    documents: Iterable[Document], share: float | None
) -> Iterator[Document]:
    """The documents whose names fall into a share of all; without one, all of them."""
    for document in documents:
        if share is None or _place(document.id) < share:
            yield document


def _place(name: str) -> float:
    """A number from 0 to 1 that depends on the name alone."""
    digest = blake2b(name.encode("utf-8", "replace"), digest_size=8, person=b"sample")
    return int.from_bytes(digest.digest(), "little") / 2**64
