"""Tokenizers by the words of a command line: a file, a folder, a run; ours or not."""

from collections.abc import Iterable
from pathlib import Path

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.imported import import_tokenizer
from scratchlm.tokenizer.tokenizer import Tokenizer


def load_any(path: Path) -> Tokenizer:
    """Read a tokenizer: of a run, of ours, or any that can be imported.

    Raises:
        UserError: none there, or one that cannot be read, with the reason.
    """
    inside = path / "tokenizer" / "tokenizer.json"
    return import_tokenizer(inside if inside.is_file() else path)


def load_named(words: Iterable[str]) -> dict[str, Tokenizer]:
    """Read FILE or NAME=FILE words, by name.

    Raises:
        UserError: two with the same name.
    """
    found: dict[str, Tokenizer] = {}
    for word in words:
        name, equals, rest = word.partition("=")
        path = Path(rest if equals and not Path(word).exists() else word)
        label = name if str(path) == rest else name_of(path)
        if label in found:
            raise UserError(
                f"two tokenizers are called {label}: name one, as other={path}"
            )
        found[label] = load_any(path)
    return found


def name_of(path: Path) -> str:
    """What to call the tokenizer at a path: the run's, folder's or file's name."""
    resolved = path.resolve()
    if resolved.name == "tokenizer.json":
        resolved = resolved.parent
    if resolved.name in ("tokenizer", "huggingface", "tiktoken"):
        resolved = resolved.parent
    return resolved.name.removesuffix(".json").removesuffix(".txt") or "tokenizer"
