"""Read a tokenizer that another program wrote, or one of our own.

    tokenizer.json          Hugging Face's: byte-level BPE, WordPiece; or our own
    *.tiktoken              ranks, with the side file that the export writes, or a
                            pattern that is said
    merges.txt, vocab.bpe   GPT-2's published form; beside it vocab.json, or GPT-2's
                            numbering

Every text gets the ids that it has there, or the file is refused with the reason.
"""

import json
from pathlib import Path
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.byte_alphabet import byte_alphabet
from scratchlm.tokenizer.huggingface_wordpiece import read_wordpiece
from scratchlm.tokenizer.imported_huggingface import (
    build_bpe,
    find_control_tokens,
    read_huggingface_bpe,
)
from scratchlm.tokenizer.pattern import PATTERNS, PatternName
from scratchlm.tokenizer.special import END_OF_TEXT
from scratchlm.tokenizer.store import FORMAT
from scratchlm.tokenizer.tiktoken_file import RANKS_FILE, read_tiktoken
from scratchlm.tokenizer.tokenizer import Tokenizer

_NAMES = ("tokenizer.json", RANKS_FILE, "merges.txt", "vocab.bpe")


def import_tokenizer(path: Path, pattern: PatternName | None = None) -> Tokenizer:
    """Read a tokenizer file, or the one in a folder.

    Args:
        path: a file, or a folder that holds one under a usual name.
        pattern: how texts are split, where the file does not say.

    Raises:
        UserError: missing, damaged, or with a feature that would give other ids.
    """
    if pattern is not None and pattern not in PATTERNS:
        raise UserError(f"no pattern {pattern!r}; known: {', '.join(PATTERNS)}")
    file = _find(path)
    head = file.read_bytes()[:64].lstrip()
    try:
        if head.startswith(b"{"):
            return _read_json(file, pattern)
        if head.startswith(b"#version") or file.name in _NAMES[2:]:
            return read_merges(file, pattern or "gpt2")
        return read_tiktoken(file, pattern)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise UserError(
            f"{file} is not built as its kind of tokenizer file is "
            f"({type(error).__name__}: {error}): it was edited, or is another program's"
        ) from error


def read_merges(path: Path, pattern: PatternName = "gpt2") -> Tokenizer:
    """Read merges in GPT-2's form: a line each, the halves in the alphabet of bytes.

    Ids are those of `vocab.json` beside it. Without that they are GPT-2's: the bytes in
    the order of the alphabet, the merges, then `<|endoftext|>`.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    pairs = [line.split(" ") for line in lines if line and not line.startswith("#ver")]
    broken = next((pair for pair in pairs if len(pair) != 2), None)
    if broken is not None:
        raise UserError(f"{path}: {' '.join(broken)!r} is no merge of two tokens")
    merges = [(left, right) for left, right in pairs]
    vocab_path = path.with_name("vocab.json")
    if vocab_path.exists():
        vocab = _parse(vocab_path)
    else:
        tokens = [*sorted(byte_alphabet()), *(a + b for a, b in merges), END_OF_TEXT]
        vocab = {token: index for index, token in enumerate(tokens)}
    specials = find_control_tokens(vocab, merges)
    return build_bpe(vocab, merges, pattern, specials)


def _find(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.exists():
        raise UserError(f"{path} does not exist")
    found = [path / name for name in _NAMES if (path / name).is_file()]
    if not found:
        raise UserError(f"{path} holds none of {', '.join(_NAMES)}")
    return found[0]


def _read_json(path: Path, pattern: PatternName | None) -> Tokenizer:
    value = _parse(path)
    if value.get("format") == FORMAT:
        return Tokenizer.load(path)
    model = value.get("model")
    if not isinstance(model, dict):
        raise UserError(f"{path} is no tokenizer.json: it has no model")
    kind = model.get("type", "BPE" if "merges" in model else None)
    if kind == "BPE":
        return read_huggingface_bpe(value, pattern)
    if kind == "WordPiece":
        return read_wordpiece(value, str(path))
    raise UserError(f"{path} holds a model of type {kind}; known: BPE, WordPiece")


def _parse(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is cut off or no JSON ({error})") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} holds no JSON object")
    return value
