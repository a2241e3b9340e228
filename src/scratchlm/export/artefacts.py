"""Write a model for others, prove each file, and keep the receipt.

    huggingface/        what transformers loads     (see huggingface.py)
    model.gguf          what llama.cpp loads        (see gguf.py)
    model-4-bits.gguf   the same of the quantised model, where one is given
    scratchlm/          our own safetensors and tokenizer
    README.md           the model card
    receipt.json        what was written, its hashes and proofs, or why it was not

A format that cannot hold the model is refused in one line of the receipt; that is a
result, not an error. The same model and settings give the same bytes.
"""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_bytes, write_json, write_text
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_file
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_bytes
from scratchlm.export.architecture import RefusalError
from scratchlm.export.card import build_card
from scratchlm.export.config import ExportConfig, GgufType
from scratchlm.export.gguf import (
    choose_gguf_type,
    read_gguf,
    write_gguf,
)
from scratchlm.export.huggingface import read_huggingface, write_huggingface
from scratchlm.export.source import Source, read_source
from scratchlm.export.verify import verify
from scratchlm.model.weights import CONFIG_FILE, WEIGHTS_FILE
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.tokenizer.verify import Format as TokenizerFormat
from scratchlm.tokenizer.verify import check_report, compare_export

HUGGINGFACE = "huggingface"
GGUF = "model.gguf"
GGUF_4_BITS = "model-4-bits.gguf"
NATIVE = "scratchlm"
CARD_FILE = "README.md"
RECEIPT_FILE = "receipt.json"

N_STRINGS = 500
"""Strings on which an exported tokenizer is compared with ours."""

_PLACES = (HUGGINGFACE, GGUF, GGUF_4_BITS, NATIVE, CARD_FILE)
_Job = tuple[str, Callable[[Path], dict[str, Any]]]


def export(
    config: ExportConfig,
    model_directory: Path,
    tokenizer: Tokenizer | None,
    directory: Path,
    progress: Progress = SILENT,
    *,
    quantized_directory: Path | None = None,
    summary: Mapping[str, object] | None = None,
    notice: str = "",
) -> dict[str, Any]:
    """Write a model in all formats of the config that can hold it.

    Args:
        config: formats and types.
        model_directory: what `save_model` wrote; quantised models as well.
        tokenizer: its tokenizer; None writes weights alone.
        directory: receives the files; older exports in it are replaced.
        progress: told of each format.
        quantized_directory: the same model after `quantize`; goes out as a second
            GGUF file where GGUF is asked for.
        summary: figures of the training for the card.
        notice: licence notice of the data for the card.

    Returns:
        The receipt, as it stands in `receipt.json`.

    Raises:
        UserError: the model cannot be read, the tokenizer is another model's, the
            directory holds something else under these names, or a file that was
            written does not prove to be the model.
    """
    source = read_source(model_directory)
    _check_vocabulary(source, tokenizer)
    _clear(directory)
    jobs: dict[str, _Job] = {
        "huggingface": (HUGGINGFACE, partial(_huggingface, config, source, tokenizer)),
        "gguf": (GGUF, partial(_gguf, config, config.gguf_type, source, tokenizer)),
        "scratchlm": (NATIVE, partial(_native, model_directory, source, tokenizer)),
    }
    chosen: dict[str, _Job] = {name: jobs[name] for name in config.formats}
    if quantized_directory is not None and "gguf" in chosen:
        small = read_source(quantized_directory)
        chosen["gguf_4_bits"] = (
            GGUF_4_BITS,
            partial(_gguf, config, "auto", small, tokenizer),
        )
    entries = _write_all(chosen, directory, progress)
    _write_card(config, source, tokenizer, directory, entries, summary or {}, notice)
    receipt = {"formats": entries, "files": _hash_files(directory)}
    write_json(directory / RECEIPT_FILE, receipt)
    return receipt


def _write_all(
    jobs: Mapping[str, _Job], directory: Path, progress: Progress
) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    for index, (name, (place, write)) in enumerate(jobs.items()):
        try:
            result = {"written": True, **write(directory / place)}
        except RefusalError as reason:
            result = {"written": False, "reason": str(reason)}
            progress.note(f"{name}: {reason}")
        entries[name] = {"place": place, **result}
        progress.update(index + 1, len(jobs), name)
    return entries


def _huggingface(
    config: ExportConfig, source: Source, tokenizer: Tokenizer | None, target: Path
) -> dict[str, Any]:
    loader = write_huggingface(source, tokenizer, target, config.dtype)
    proof = verify(source, read_huggingface(target, source.config), config.dtype)
    return {
        "what": f"{loader} of transformers, {config.dtype}",
        "verification": proof,
        **_tokenizer_proof(tokenizer, target, "huggingface"),
    }


def _gguf(
    config: ExportConfig,
    gguf_type: GgufType,
    source: Source,
    tokenizer: Tokenizer | None,
    path: Path,
) -> dict[str, Any]:
    kind = choose_gguf_type(gguf_type, source)
    architecture = write_gguf(source, tokenizer, path, kind, config.name)
    proof = verify(source, read_gguf(path, source.config), kind)
    return {
        "what": f"GGUF for llama.cpp, architecture {architecture}, {kind}",
        "verification": proof,
        **_tokenizer_proof(tokenizer, path, "gguf"),
    }


def _tokenizer_proof(
    tokenizer: Tokenizer | None, place: Path, format: TokenizerFormat
) -> dict[str, Any]:
    if tokenizer is None:
        return {}
    report = compare_export(tokenizer, place, format, N_STRINGS)
    check_report(report)
    return {"tokenizer_verification": report}


def _native(
    model_directory: Path,
    source: Source,
    tokenizer: Tokenizer | None,
    target: Path,
) -> dict[str, Any]:
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        write_bytes(target / name, (model_directory / name).read_bytes())
    if tokenizer is not None:
        tokenizer.save(target / "tokenizer.json")
    found = read_source(target)
    proof = verify(source, found.tensors, "float32")
    return {"what": "ScratchLM's own safetensors", "verification": proof}


def _check_vocabulary(source: Source, tokenizer: Tokenizer | None) -> None:
    rows = source.config.vocab_size
    if tokenizer is not None and tokenizer.vocab_size != rows:
        raise UserError(
            f"the tokenizer has {tokenizer.vocab_size} tokens, the model {rows}: they "
            "do not belong together"
        )


def _clear(directory: Path) -> None:
    """Remove an older export, finished or not, and nothing that is not one."""
    present = [name for name in _PLACES if (directory / name).exists()]
    if present and not (directory / RECEIPT_FILE).exists():
        raise UserError(
            f"{directory} holds {', '.join(present)} but no receipt of an export: "
            "choose another folder, or move that away"
        )
    # from here on, what stands in the directory is known to be ours
    write_json(directory / RECEIPT_FILE, {"formats": {}, "unfinished": True})
    for name in present:
        if (directory / name).is_dir():
            shutil.rmtree(directory / name)
        else:
            (directory / name).unlink()


def _write_card(
    config: ExportConfig,
    source: Source,
    tokenizer: Tokenizer | None,
    directory: Path,
    entries: Mapping[str, dict[str, Any]],
    summary: Mapping[str, object],
    notice: str,
) -> None:
    formats = {
        entry["place"]: entry.get("what") or f"not here: {entry['reason']}"
        for entry in entries.values()
    }
    card = build_card(
        source.config,
        tokenizer,
        name=config.name,
        formats=formats,
        summary=summary,
        notice=notice,
        loadable=entries.get("huggingface", {}).get("written", False),
    )
    write_text(directory / CARD_FILE, card)


def _hash_files(directory: Path) -> dict[str, dict[str, Any]]:
    roots = [directory / name for name in _PLACES]
    files = [path for root in roots for path in (root, *root.rglob("*"))]
    return {
        path.relative_to(directory).as_posix(): {
            "bytes": path.stat().st_size,
            "size": format_bytes(path.stat().st_size),
            "sha256": sha256_file(path),
        }
        for path in sorted(files)
        if path.is_file()
    }
