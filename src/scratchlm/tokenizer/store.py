"""The tokenizer file: JSON with a version and a checksum, never a pickle.

    {"format": "scratchlm-tokenizer", "version": 2, "sha256": "…", "kind": "bpe",
     "unicode_version": "16.0.0", "vocab_size": 4096,
     "special_tokens": {"<|endoftext|>": 4080, …},
     "model": {"pattern": "llama3", "merges": [[32, 32], …]}}

`sha256` is the hash of all the other entries but `format` and `version`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_text
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.encoder import Model
from scratchlm.tokenizer.pattern import PATTERNS
from scratchlm.tokenizer.unicode_classes import UNICODE_VERSION
from scratchlm.tokenizer.wordpiece import WordPiece

FORMAT = "scratchlm-tokenizer"
VERSION = 2


def describe(
    model: Model, special_tokens: Mapping[str, int], vocab_size: int
) -> dict[str, Any]:
    """Everything that decides which ids a text gets, as a JSON value."""
    return {
        "kind": model.kind,
        "unicode_version": UNICODE_VERSION,
        "vocab_size": vocab_size,
        "special_tokens": dict(special_tokens),
        "model": model.describe(),
    }


def write_description(path: Path, description: dict[str, Any]) -> None:
    """Write a tokenizer file, byte-identical for equal descriptions."""
    head = {"format": FORMAT, "version": VERSION, "sha256": sha256_json(description)}
    write_text(path, json.dumps({**head, **description}, ensure_ascii=False) + "\n")


def read_description(path: Path) -> tuple[Model, dict[str, int], int]:
    """Read and check a tokenizer file.

    Returns:
        the vocabulary, its control tokens, the number of ids.

    Raises:
        UserError: missing, truncated, foreign, too new, or edited.
    """
    value = _parse(path)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise UserError(f"{path} is not a ScratchLM tokenizer{_guess(value)}")
    if value.pop("version", None) != VERSION:
        raise UserError(
            f"{path} was written by another version of ScratchLM: train anew"
        )
    del value["format"]
    if value.pop("sha256", None) != sha256_json(value):
        raise UserError(
            f"{path} was edited or damaged (its checksum differs): train anew"
        )
    _check_known(path, value)
    return _build(value), value["special_tokens"], value["vocab_size"]


def _parse(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: train a tokenizer first") from None
    except ValueError as error:
        raise UserError(
            f"{path} is cut off or no JSON ({error}): train the tokenizer anew"
        ) from None


def _guess(value: Any) -> str:
    if isinstance(value, dict) and "model" in value:
        return (
            ": it looks like a Hugging Face tokenizer.json; "
            "`scratchlm tokenizer import` reads it"
        )
    return ""


def _check_known(path: Path, value: dict[str, Any]) -> None:
    pattern = value["model"].get("pattern")
    known = (
        value["kind"] in ("bpe", "wordpiece")
        and (pattern is None or pattern in PATTERNS)
        and value["unicode_version"] == UNICODE_VERSION
    )
    if not known:
        raise UserError(
            f"{path} uses a kind, a pattern or a Unicode version "
            f"({value['unicode_version']}) that this version of ScratchLM does not "
            "know: train anew"
        )


def _build(value: dict[str, Any]) -> Model:
    model = BPE if value["kind"] == "bpe" else WordPiece
    return model.from_description(value["model"])
