"""The two evaluations of a journey, each a function from files to one JSON value.

`evaluate_base` reads held-out documents with the pretrained model and puts its bits
per byte beside those of ``xz -9e`` on the same bytes. `evaluate_chat` lets the chat
model answer questions of every kind and measures its bits per byte again. Both run in
float32 whatever the training precision was, hold no clock, and give the same bytes
for the same model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scratchlm.base.atomic import write_json, write_text
from scratchlm.base.device import apply_machine
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_bytes
from scratchlm.base.machine import MachineConfig
from scratchlm.base.progress import SILENT, Progress
from scratchlm.corpus.document import Document
from scratchlm.evaluate.bits_per_byte import BitsPerByte, bits_per_byte
from scratchlm.evaluate.compression import Compression, measure_compression
from scratchlm.evaluate.config import EvaluateConfig
from scratchlm.evaluate.conversations import (
    Answer,
    Row,
    answer_as_json,
    compare_answers,
    evaluate_conversations,
)

if TYPE_CHECKING:
    from scratchlm.model.transformer import Transformer
    from scratchlm.tokenizer import Tokenizer


@dataclass(frozen=True)
class Selection:
    """Held-out text as it is measured: names and texts align."""

    names: tuple[str, ...]
    texts: tuple[str, ...]
    n_left_out: int
    n_shortened: int

    def as_json(self) -> dict[str, int]:
        """Counts only."""
        return {
            "n_documents": len(self.texts),
            "n_left_out": self.n_left_out,
            "n_shortened": self.n_shortened,
        }


def evaluate_base(
    config: EvaluateConfig,
    model_directory: Path,
    tokenizer: Tokenizer,
    documents: Iterable[Document],
    directory: Path,
    machine: MachineConfig | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Measure a pretrained model on held-out documents; write ``evaluation.json``.

    Returns what it wrote: ``bits_per_byte`` with its interval, ``compression`` (the
    same bytes under ``xz -9e``), ``documents`` (one row each) and ``selection``.

    Raises:
        UserError: there is no held-out text.
    """
    model = _load(model_directory, machine)
    chosen = select_documents(documents, config)
    measured = _measure(config, model, tokenizer, chosen, progress)
    packed = measure_compression(chosen.texts, chosen.names)
    result = {
        "bits_per_byte": measured.as_json(),
        "compression": packed.as_json(),
        "selection": chosen.as_json(),
        "context_length": _context_length(config, model),
        "documents": document_rows(measured, packed),
    }
    write_json(directory / "evaluation.json", result)
    return result


def evaluate_chat(
    config: EvaluateConfig,
    model_directory: Path,
    tokenizer: Tokenizer,
    conversations: Iterable[Row],
    documents: Iterable[Document],
    directory: Path,
    machine: MachineConfig | None = None,
    progress: Progress = SILENT,
    before_directory: Path | None = None,
) -> dict[str, Any]:
    """Question a chat model; write ``evaluation.json`` and ``answers.jsonl``.

    ``conversations`` are all rows of the corpus, training rows included. Where
    ``before_directory`` names the model before alignment, it answers the same
    questions, and ``change`` holds the paired difference of F1 by kind.

    Returns what it wrote: ``kinds`` (see `judge_answers`), ``bits_per_byte``.

    Raises:
        UserError: there is no held-out text.
    """
    rows = list(conversations)
    model = _load(model_directory, machine)
    chosen = select_documents(documents, config)
    measured = _measure(config, model, tokenizer, chosen, progress)
    report, answers = _question(config, model, tokenizer, rows, progress)
    result = {**report, "bits_per_byte": measured.as_json()}
    if before_directory is not None:
        earlier = _load(before_directory, machine)
        before, others = _question(config, earlier, tokenizer, rows, progress)
        result["before"] = _headline(before)
        result["change"] = {
            kind: {**change.as_json(), "excludes_zero": change.excludes_zero}
            for kind, change in compare_answers(others, answers).items()
        }
    write_json(directory / "evaluation.json", result)
    _write_answers(directory / "answers.jsonl", answers)
    return result


def select_documents(
    documents: Iterable[Document], config: EvaluateConfig
) -> Selection:
    """Choose whole documents by hash until the bytes are spent, sorted by id.

    Raises:
        UserError: no document holds any text.
    """
    everything = [document for document in documents if document.text]
    ranked = sorted(
        everything, key=lambda d: sha256_bytes(f"held-out\0{d.id}".encode())
    )
    kept: list[tuple[str, str]] = []
    left, shortened = config.max_heldout_bytes, 0
    for document in ranked:
        text = _shorten(document.text, config.max_document_bytes)
        size = len(text.encode("utf-8"))
        if kept and size > left:
            continue
        kept.append((document.id, text))
        left -= size
        shortened += text != document.text
    if not kept:
        raise UserError(
            "evaluate: no held-out text to measure on; give more text or a larger "
            "corpus.heldout_frac"
        )
    kept.sort()
    return Selection(
        names=tuple(name for name, _ in kept),
        texts=tuple(text for _, text in kept),
        n_left_out=len(everything) - len(kept),
        n_shortened=shortened,
    )


def document_rows(measured: BitsPerByte, packed: Compression) -> list[dict[str, Any]]:
    """One row a document: its size, the model's bits per byte, and xz's."""
    return [
        {
            "name": row.name,
            "n_bytes": row.n_bytes,
            "n_tokens": row.n_tokens,
            "bits_per_byte": round(row.bits_per_byte, 6),
            "xz_bits_per_byte": round(8 * size / row.n_bytes, 6),
        }
        for row, size in zip(
            measured.per_document, packed.file_compressed_bytes, strict=True
        )
    ]


def _load(model_directory: Path, machine: MachineConfig | None) -> Transformer:
    from scratchlm.model.weights import load_model

    device = apply_machine(machine or MachineConfig())
    return load_model(model_directory, device=str(device))


def _context_length(config: EvaluateConfig, model: Transformer) -> int:
    longest = int(model.config.context_length)
    return min(config.context_length or longest, longest)


def _measure(
    config: EvaluateConfig,
    model: Transformer,
    tokenizer: Tokenizer,
    chosen: Selection,
    progress: Progress,
) -> BitsPerByte:
    return bits_per_byte(
        model,
        tokenizer,
        chosen.texts,
        _context_length(config, model),
        config.stride,
        config.batch_size,
        chosen.names,
        progress,
    )


def _question(
    config: EvaluateConfig,
    model: Transformer,
    tokenizer: Tokenizer,
    rows: Sequence[Row],
    progress: Progress,
) -> tuple[dict[str, Any], list[Answer]]:
    return evaluate_conversations(
        model,
        tokenizer,
        rows,
        max_questions=config.max_questions,
        max_new_tokens=config.max_new_tokens,
        batch_size=config.generation_batch_size,
        progress=progress,
    )


def _headline(report: dict[str, Any]) -> dict[str, Any]:
    """What is kept of the earlier model's report: figures, no examples."""
    names = ("n", "f1", "stop_frac", "distinct_frac")
    return {
        kind: {name: judged[name] for name in names}
        for kind, judged in report["kinds"].items()
    }


def _shorten(text: str, max_bytes: int) -> str:
    data = text.encode("utf-8")
    if len(data) <= max_bytes:
        return text
    return data[:max_bytes].decode("utf-8", errors="ignore")


def _write_answers(path: Path, answers: Sequence[Answer]) -> None:
    lines = [json.dumps(answer_as_json(a), ensure_ascii=False) for a in answers]
    write_text(path, "".join(f"{line}\n" for line in lines))
