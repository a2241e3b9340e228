"""A corpus directory: what stands where, and how it is read.

train/part-00000.parquet …     what models may learn from
heldout/part-00000.parquet …   what no stage sees before it is tested on it
removed/part-00000.parquet …   what was taken out by comparison, and of what
conversations.jsonl, preferences.jsonl   where chat rows were asked for
receipt.json                   what happened to every file and document
manifest.json                  the files by hash, the configuration, the inputs
report.html                    the receipt for people
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import read_json, write_json
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_file
from scratchlm.corpus.document import Document
from scratchlm.corpus.flow.table import read_batches
from scratchlm.corpus.rows import read_rows

CONVERSATIONS, PREFERENCES = "conversations.jsonl", "preferences.jsonl"
RECEIPT, MANIFEST, REPORT = "receipt.json", "manifest.json", "report.html"
FORMAT, VERSION = "scratchlm-corpus", 1


@dataclass(frozen=True)
class Corpus:
    """A built corpus on disk."""

    directory: Path

    @classmethod
    def open(cls, directory: Path) -> "Corpus":
        """The corpus in a directory.

        Raises:
            UserError: there is none.
        """
        if not (directory / MANIFEST).exists():
            raise UserError(f"{directory} holds no corpus; make one with corpus build")
        return cls(directory)

    def train_documents(self) -> Iterator[Document]:
        """What models may learn from."""
        return self.documents("train")

    def heldout_documents(self) -> Iterator[Document]:
        """What nothing may learn from."""
        return self.documents("heldout")

    def documents(self, side: str) -> Iterator[Document]:
        """The documents of `train` or `heldout`, in the order of the parts."""
        for path in self.parts(side):
            for batch in read_batches(path):
                yield from batch.documents()

    def parts(self, side: str) -> list[Path]:
        """The Parquet files of `train`, `heldout` or `removed`, in order.

        Raises:
            UserError: one that the manifest names is missing.
        """
        names = [n for n in self.manifest["files"] if n.startswith(f"{side}/part-")]
        paths = [self.directory / name for name in sorted(names)]
        for path in paths:
            if not path.exists():
                raise UserError(f"{path} is missing; build the corpus again")
        return paths

    def conversations(
        self, split: str | None = None, kind: str | None = None
    ) -> list[dict[str, Any]]:
        """Rows of conversations.jsonl, of one split or kind where one is named."""
        return _select(self.directory / CONVERSATIONS, split, kind)

    def preferences(
        self, split: str | None = None, kind: str | None = None
    ) -> list[dict[str, Any]]:
        """Rows of preferences.jsonl, of one split or kind where one is named."""
        return _select(self.directory / PREFERENCES, split, kind)

    @property
    def receipt(self) -> dict[str, Any]:
        """What happened to every file and document."""
        receipt: dict[str, Any] = read_json(self.directory / RECEIPT)
        return receipt

    @property
    def manifest(self) -> dict[str, Any]:
        """The files by hash, the configuration, the fingerprints of the inputs."""
        manifest: dict[str, Any] = read_json(self.directory / MANIFEST)
        return manifest

    def verify(self) -> None:
        """Compare every file with its hash.

        Raises:
            UserError: names the first that is missing or was changed.
        """
        for name, digest in self.manifest["files"].items():
            path = self.directory / name
            if not path.exists() or sha256_file(path) != digest:
                raise UserError(f"{path} is missing or was changed; build it again")


def write_manifest(
    directory: Path, config: Mapping[str, Any], inputs: Mapping[str, str]
) -> None:
    """Write the manifest of what stands in a directory.

    `config` and `inputs` (source → fingerprint) name no place of this machine.
    """
    files = {
        path.relative_to(directory).as_posix(): sha256_file(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    head = {"format": FORMAT, "version": VERSION}
    content = {**head, "config": config, "inputs": inputs, "files": files}
    write_json(directory / MANIFEST, content)


def _select(path: Path, split: str | None, kind: str | None) -> list[dict[str, Any]]:
    if not path.exists():
        raise UserError(
            f"{path.parent} was built without conversations; build it again with --ask"
        )
    return [
        row
        for row in read_rows(path)
        if (split is None or row["split"] == split)
        and (kind is None or row["kind"] == kind)
    ]
