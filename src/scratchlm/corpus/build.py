"""Build a corpus directory: collect, clean, deduplicate, hold out, ask.

`train.jsonl` and `heldout.jsonl` have rows {"id", "text", "source"} sorted by id;
`conversations.jsonl` and `preferences.jsonl` are what the chat stages learn from;
`receipt.json` says what happened to every file and document. The directory appears
whole or not at all, and its bytes depend on the inputs and the configuration alone.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import atomic_directory, read_json, write_json
from scratchlm.base.errors import UserError
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_bytes
from scratchlm.corpus.clean import clean_text
from scratchlm.corpus.config import CorpusConfig
from scratchlm.corpus.conversations import ChatRows, build_chat_rows
from scratchlm.corpus.dedup.exact import remove_exact_duplicates
from scratchlm.corpus.dedup.near import NearDuplicate, remove_near_duplicates
from scratchlm.corpus.document import Document
from scratchlm.corpus.receipt import Receipt
from scratchlm.corpus.rows import read_rows, write_rows
from scratchlm.corpus.source_files import collect_files
from scratchlm.corpus.source_stdlib import collect_stdlib
from scratchlm.corpus.split import Split, split_documents

TRAIN, HELDOUT = "train.jsonl", "heldout.jsonl"
CONVERSATIONS, PREFERENCES = "conversations.jsonl", "preferences.jsonl"
RECEIPT = "receipt.json"
NAMED_HELDOUT = 200  # ids that the receipt repeats; all are in heldout.jsonl


@dataclass(frozen=True)
class Corpus:
    """A built corpus on disk."""

    directory: Path

    def train_documents(self) -> Iterator[Document]:
        """What models may learn from, sorted by id."""
        return _documents(self.directory / TRAIN)

    def heldout_documents(self) -> Iterator[Document]:
        """What nothing may learn from, sorted by id."""
        return _documents(self.directory / HELDOUT)

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


def build_corpus(
    config: CorpusConfig, directory: Path, progress: Progress = SILENT
) -> Corpus:
    """Build the corpus and write it to `directory`, replacing what stands there.

    Raises:
        UserError: a path does not exist, or nothing usable remains.
    """
    receipt = Receipt()
    collected = _collect(config, receipt, progress)
    documents = _clean(config, collected, receipt)
    documents = _deduplicate(config, documents, receipt, progress)
    _require_enough(config, documents, receipt)
    progress.note(_found_line(documents))
    split = split_documents(config, documents)
    rows = build_chat_rows(config, split.train, split.heldout)
    with atomic_directory(directory) as temporary:
        write_rows(temporary / TRAIN, map(_row, split.train))
        write_rows(temporary / HELDOUT, map(_row, split.heldout))
        write_rows(temporary / CONVERSATIONS, rows.conversations)
        write_rows(temporary / PREFERENCES, rows.preferences)
        write_json(temporary / RECEIPT, _receipt_json(config, receipt, split, rows))
    return Corpus(directory)


def _collect(
    config: CorpusConfig, receipt: Receipt, progress: Progress
) -> Iterable[Document]:
    if config.source == "stdlib":
        return collect_stdlib(receipt)
    if not config.paths:
        raise UserError("no text was named; say --text DIR_OR_FILES")
    return collect_files(config, receipt, progress)


def _clean(
    config: CorpusConfig, documents: Iterable[Document], receipt: Receipt
) -> list[Document]:
    """Clean every text and drop those that are too short."""
    step = receipt.step("clean")
    kept = []
    names: set[str] = set()
    for document in documents:
        name = document.id
        while name in names:  # a file may be called as a row of another one is
            name += "~"
        names.add(name)
        text = clean_text(document.text, config.repair_mojibake)
        cleaned = Document(name, text, document.source, document.metadata)
        if len(text) < config.min_document_chars:
            reason = f"shorter than {config.min_document_chars} characters"
            step.drop(name, reason if text else "empty", cleaned.n_bytes)
        else:
            step.keep(cleaned.n_bytes)
            kept.append(cleaned)
    return kept


def _deduplicate(
    config: CorpusConfig,
    documents: list[Document],
    receipt: Receipt,
    progress: Progress,
) -> list[Document]:
    sizes = {document.id: document.n_bytes for document in documents}
    documents, copies = remove_exact_duplicates(documents)
    step = receipt.step("exact_duplicates")
    for removed, kept in copies:
        step.drop({"id": removed, "of": kept}, "the same bytes", sizes[removed])
    step.keep(_total(documents), len(documents))
    progress.update(1, 2, "near-duplicates")
    documents, alike = remove_near_duplicates(documents, config.near_dup_threshold)
    step = receipt.step("near_duplicates")
    for pair in alike:
        step.drop(_pair_json(pair), "near-duplicate", sizes[pair.removed])
    step.keep(_total(documents), len(documents))
    step.notes["threshold"] = config.near_dup_threshold
    step.notes["jaccard"] = _histogram(pair.jaccard for pair in alike)
    return documents


def _pair_json(pair: NearDuplicate) -> dict[str, Any]:
    return {"id": pair.removed, "of": pair.kept, "jaccard": round(pair.jaccard, 3)}


def _histogram(values: Iterable[float]) -> dict[str, int]:
    """How many removed documents had which true similarity, in steps of 0.05."""
    counts = Counter(min(int(value * 20), 20) for value in values)
    return {f"{step / 20:.2f}": counts[step] for step in sorted(counts)}


def _require_enough(
    config: CorpusConfig, documents: Sequence[Document], receipt: Receipt
) -> None:
    n_bytes = _total(documents)
    if n_bytes >= config.min_corpus_bytes:
        return
    why = receipt.main_reasons()
    raise UserError(
        f"too little text: {len(documents)} usable documents with "
        f"{format_bytes(n_bytes)}, of {format_bytes(config.min_corpus_bytes)} needed"
        + (f"; left out: {why}" if why else "")
        + "; give more with --text DIR_OR_FILES"
    )


def _found_line(documents: Sequence[Document]) -> str:
    return f"{len(documents)} documents, {format_bytes(_total(documents))}"


def _receipt_json(
    config: CorpusConfig, receipt: Receipt, split: Split, rows: ChatRows
) -> dict[str, Any]:
    documents = [*split.train, *split.heldout]
    return {
        "source": config.source,
        "synthetic": config.source == "files"
        and (config.chat is None or config.preferences is None),
        "steps": [step.to_json() for step in receipt.steps],
        "split": split.notes,
        "train": _summary(split.train),
        "heldout": {
            **_summary(split.heldout),
            "ids": [document.id for document in split.heldout[:NAMED_HELDOUT]],
        },
        "by_source": {
            name: _summary([d for d in documents if d.source == name])
            for name in sorted({document.source for document in documents})
        },
        "licences": dict(
            sorted(
                Counter(
                    str(document.metadata.get("licence", "not stated"))
                    for document in documents
                ).items()
            )
        ),
        "chat": rows.notes,
    }


def _summary(documents: Sequence[Document]) -> dict[str, int]:
    return {"n_documents": len(documents), "n_bytes": _total(documents)}


def _total(documents: Iterable[Document]) -> int:
    return sum(document.n_bytes for document in documents)


def _row(document: Document) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": document.id,
        "text": document.text,
        "source": document.source,
    }
    if document.metadata:
        row["metadata"] = dict(document.metadata)
    return row


def _documents(path: Path) -> Iterator[Document]:
    for row in read_rows(path):
        yield Document(row["id"], row["text"], row["source"], row.get("metadata", {}))


def _select(path: Path, split: str | None, kind: str | None) -> list[dict[str, Any]]:
    return [
        row
        for row in read_rows(path)
        if (split is None or row["split"] == split)
        and (kind is None or row["kind"] == kind)
    ]
