"""The tokenizer file: JSON with a version and a checksum, never a pickle.

    {"format": "scratchlm-tokenizer", "version": 1, "sha256": "…", "kind": "bpe",
     "pattern": "llama3", "unicode_version": "16.0.0", "vocab_size": 4096,
     "special_tokens": […], "merges": [[32, 32], …]}

`sha256` is the hash of all the other entries but `format` and `version`.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_text
from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.tokenizer.bpe import Merge
from scratchlm.tokenizer.pattern import PATTERNS
from scratchlm.tokenizer.special import SPECIAL_TOKENS
from scratchlm.tokenizer.unicode_classes import UNICODE_VERSION

FORMAT = "scratchlm-tokenizer"
VERSION = 1


def describe(merges: Iterable[Merge], pattern: str, vocab_size: int) -> dict[str, Any]:
    """Everything that decides which ids a text gets, as a JSON value."""
    return {
        "kind": "bpe",
        "pattern": pattern,
        "unicode_version": UNICODE_VERSION,
        "vocab_size": vocab_size,
        "special_tokens": list(SPECIAL_TOKENS),
        "merges": [list(merge) for merge in merges],
    }


def write_description(path: Path, description: dict[str, Any]) -> None:
    """Write a tokenizer file, byte-identical for equal descriptions."""
    head = {"format": FORMAT, "version": VERSION, "sha256": sha256_json(description)}
    write_text(path, json.dumps({**head, **description}, ensure_ascii=False) + "\n")


def read_description(path: Path) -> dict[str, Any]:
    """Read and check a tokenizer file.

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
    return value


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
        return ": it looks like a Hugging Face tokenizer.json"
    return ""


def _check_known(path: Path, value: dict[str, Any]) -> None:
    known = (
        value["kind"] == "bpe"
        and value["pattern"] in PATTERNS
        and value["unicode_version"] == UNICODE_VERSION
        and value["special_tokens"] == list(SPECIAL_TOKENS)
    )
    if not known:
        raise UserError(
            f"{path} uses a pattern, a Unicode version ({value['unicode_version']}) or "
            "control tokens that this version of ScratchLM does not know: train anew"
        )
