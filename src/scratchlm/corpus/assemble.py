"""Put a finished corpus together: parts, receipt, manifest, report.

Everything is written into one new directory that takes the place of the old one at
the end, so that a corpus is always whole: the one before or the one after.
"""

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from scratchlm.base.atomic import atomic_directory, write_json
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.flow import Part
from scratchlm.corpus.flow.table import count_rows, write_documents
from scratchlm.corpus.report import write_corpus_report
from scratchlm.corpus.rows import write_rows
from scratchlm.corpus.store import (
    CONVERSATIONS,
    PREFERENCES,
    RECEIPT,
    REPORT,
    write_manifest,
)

SIDES = ("train", "heldout")


@dataclass(frozen=True)
class Finished:
    """All that a corpus directory is made of."""

    parts: Sequence[Part]
    receipt: Mapping[str, Any]
    config: Mapping[str, Any]
    inputs: Mapping[str, str]
    sides: Mapping[str, Sequence[Document]] | None = None
    """Documents that take the place of the parts' (a corpus split in memory)."""
    chat: Mapping[str, Iterable[Mapping[str, Any]]] | None = None
    """Conversations and preferences."""


def assemble_corpus(finished: Finished, directory: Path) -> None:
    """Write a corpus directory, replacing what stands there."""
    with atomic_directory(directory) as out:
        if finished.sides is None:
            for side in SIDES:
                _link([getattr(part, side) for part in finished.parts], out / side)
        else:
            for side, documents in finished.sides.items():
                write_documents(out / side / "part-00000.parquet", documents)
        _link([part.removed for part in finished.parts], out / "removed")
        for name in (CONVERSATIONS, PREFERENCES):
            if finished.chat is not None:
                write_rows(out / name, finished.chat[name])
        write_json(out / RECEIPT, finished.receipt)
        write_corpus_report(finished.receipt, out / REPORT)
        write_manifest(out, finished.config, finished.inputs)


def _link(files: Sequence[Path], directory: Path) -> None:
    """The files that hold anything, numbered; without a copy where that can be."""
    directory.mkdir()
    full = [path for path in files if count_rows(path)]
    for number, path in enumerate(full):
        target = directory / f"part-{number:05d}.parquet"
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)


def count_sides(
    parts: Sequence[Part], sides: Mapping[str, Sequence[Document]] | None
) -> dict[str, dict[str, int]]:
    """Documents and UTF-8 bytes of both sides."""
    if sides is not None:
        return {
            side: {
                "n_documents": len(documents),
                "n_bytes": sum(document.n_bytes for document in documents),
            }
            for side, documents in sides.items()
        }
    return {side: _count_parts([getattr(p, side) for p in parts]) for side in SIDES}


def _count_parts(paths: Sequence[Path]) -> dict[str, int]:
    """Counted by row groups: no text is kept."""
    import pyarrow.compute as pc

    total: Counter[str] = Counter(n_documents=0, n_bytes=0)
    for path in paths:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                text = file.read_row_group(group, columns=["text"]).column("text")
                total["n_documents"] += len(text)
                total["n_bytes"] += pc.sum(pc.binary_length(text)).as_py() or 0
    return dict(total)
