"""Write a model for others, prove each file, and keep the receipt.

    huggingface/   what transformers loads          (see huggingface.py)
    model.gguf     what llama.cpp loads             (see gguf.py)
    scratchlm/     our own safetensors and tokenizer
    README.md      the model card
    receipt.json   what was written, its hashes and proofs, or why it was not

A format that cannot hold the model is refused in one line of the receipt; that is a
result, not an error. The same model and settings give the same bytes.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from scratchlm.base.atomic import write_bytes, write_json, write_text
from scratchlm.base.config import Config
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_file
from scratchlm.base.progress import SILENT, Progress
from scratchlm.base.units import format_bytes
from scratchlm.export.architecture import RefusalError
from scratchlm.export.card import build_card
from scratchlm.export.gguf import (
    GgufType,
    choose_gguf_type,
    read_gguf,
    read_gguf_tokens,
    write_gguf,
)
from scratchlm.export.huggingface import Dtype, read_huggingface, write_huggingface
from scratchlm.export.source import Source, read_source
from scratchlm.export.verify import verify
from scratchlm.model.weights import CONFIG_FILE, WEIGHTS_FILE
from scratchlm.tokenizer.huggingface import printable_tokens
from scratchlm.tokenizer.tokenizer import Tokenizer

Format = Literal["huggingface", "gguf", "scratchlm"]

RECEIPT_FILE = "receipt.json"


class ExportConfig(Config):
    """What to write."""

    formats: tuple[Format, ...] = ("huggingface", "gguf", "scratchlm")
    """Formats, each written or refused on its own."""
    name: str = "scratchlm"
    """Name of the model in the GGUF file and on the card."""
    dtype: Dtype = "float32"
    """Type of the weights in the Hugging Face directory."""
    gguf_type: GgufType = "auto"
    """Type of the matrices in the GGUF file; auto is f16, or the model's own 4 bits."""


def export(
    config: ExportConfig,
    model_directory: Path,
    tokenizer: Tokenizer | None,
    directory: Path,
    progress: Progress = SILENT,
    *,
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
        summary: figures of the training for the card.
        notice: licence notice of the data for the card.

    Returns:
        The receipt, as it stands in `receipt.json`.

    Raises:
        UserError: the model cannot be read, the tokenizer is another model's, or a
            file that was written does not prove to be the model.
    """
    source = read_source(model_directory)
    _check_vocabulary(source, tokenizer)
    _remove_old(directory)
    writers: dict[Format, Callable[[], dict[str, Any]]] = {
        "huggingface": lambda: _huggingface(config, source, tokenizer, directory),
        "gguf": lambda: _gguf(config, source, tokenizer, directory),
        "scratchlm": lambda: _native(model_directory, source, tokenizer, directory),
    }
    entries: dict[str, dict[str, Any]] = {}
    for index, name in enumerate(config.formats):
        try:
            entries[name] = {"written": True, **writers[name]()}
        except RefusalError as reason:
            entries[name] = {"written": False, "reason": str(reason)}
            progress.note(f"{name}: {reason}")
        progress.update(index + 1, len(config.formats), name)
    _write_card(config, source, tokenizer, directory, entries, summary or {}, notice)
    receipt = {"formats": entries, "files": _hash_files(directory)}
    write_json(directory / RECEIPT_FILE, receipt)
    return receipt


def _huggingface(
    config: ExportConfig, source: Source, tokenizer: Tokenizer | None, directory: Path
) -> dict[str, Any]:
    target = directory / "huggingface"
    loader = write_huggingface(source, tokenizer, target, config.dtype)
    proof = verify(source, read_huggingface(target, source.config), config.dtype)
    return {
        "what": f"{loader} of transformers, {config.dtype}",
        "verification": proof,
    }


def _gguf(
    config: ExportConfig, source: Source, tokenizer: Tokenizer | None, directory: Path
) -> dict[str, Any]:
    path = directory / "model.gguf"
    kind = choose_gguf_type(config.gguf_type, source)
    architecture = write_gguf(source, tokenizer, path, kind, config.name)
    proof = verify(source, read_gguf(path, source.config), kind)
    if tokenizer is not None and read_gguf_tokens(path) != printable_tokens(tokenizer):
        raise UserError(f"{path} does not hold the vocabulary; write it again")
    return {
        "what": f"GGUF for llama.cpp, architecture {architecture}, {kind}",
        "verification": proof,
    }


def _native(
    model_directory: Path,
    source: Source,
    tokenizer: Tokenizer | None,
    directory: Path,
) -> dict[str, Any]:
    target = directory / "scratchlm"
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


def _remove_old(directory: Path) -> None:
    for name in ("huggingface", "scratchlm"):
        shutil.rmtree(directory / name, ignore_errors=True)
    for name in ("model.gguf", "README.md", RECEIPT_FILE):
        (directory / name).unlink(missing_ok=True)


def _write_card(
    config: ExportConfig,
    source: Source,
    tokenizer: Tokenizer | None,
    directory: Path,
    entries: Mapping[str, dict[str, Any]],
    summary: Mapping[str, object],
    notice: str,
) -> None:
    places = {"gguf": "model.gguf", "huggingface": "huggingface/"}
    formats = {
        places.get(name, f"{name}/"): entry.get("what")
        or f"not here: {entry['reason']}"
        for name, entry in entries.items()
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
    write_text(directory / "README.md", card)


def _hash_files(directory: Path) -> dict[str, dict[str, Any]]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {
        path.relative_to(directory).as_posix(): {
            "bytes": path.stat().st_size,
            "size": format_bytes(path.stat().st_size),
            "sha256": sha256_file(path),
        }
        for path in files
        if not path.name.startswith(".")
    }
