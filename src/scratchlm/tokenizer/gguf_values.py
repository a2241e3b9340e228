"""The tokenizer as key-values of a GGUF file, which llama.cpp reads.

llama.cpp splits texts by code of its own, chosen by name, so that only patterns that it
knows exactly can go there:

    llama3 → llama-bpe     qwen2 → qwen2     gpt2 → gpt-2
    cl100k → llama-bpe, if no token goes on past a line break within white space:
             the two differ only where a text ends with white space

What it would do on its own is always written: which tokens begin, end and fill (it
guesses the end of a turn by text), that none is put before a text (the chat template
does), and a text of its own for every id (one that comes twice is fatal).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scratchlm.base.atomic import atomic_path
from scratchlm.base.errors import UserError
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.byte_alphabet import from_printable
from scratchlm.tokenizer.chat import chat_template
from scratchlm.tokenizer.chat_templates import (
    TemplateName,
    border_tokens,
    choose_template,
)
from scratchlm.tokenizer.huggingface import printable_tokens
from scratchlm.tokenizer.pattern import PatternName
from scratchlm.tokenizer.tiktoken_file import check_every_token_is_made
from scratchlm.tokenizer.tokenizer import Tokenizer

if TYPE_CHECKING:
    from gguf import GGUFWriter

VOCABULARY_FILE = "tokenizer.gguf"

NORMAL, CONTROL, UNUSED = 1, 3, 5
"""Types of tokens."""

_SPLITS: Mapping[str, str] = {
    "llama3": "llama-bpe",
    "cl100k": "llama-bpe",
    "qwen2": "qwen2",
    "gpt2": "gpt-2",
}
_PATTERNS: Mapping[str, PatternName] = {
    "llama-bpe": "llama3",
    "qwen2": "qwen2",
    "gpt-2": "gpt2",
}
_PREFIX = "tokenizer.ggml."
# a line break, then the first byte of other white space
_PAST_A_LINE_BREAK = re.compile(rb"[\r\n][\t\x0b\x0c \xc2\xe1-\xe3]")


def gguf_values(
    tokenizer: Tokenizer, template: TemplateName | None = None
) -> dict[str, Any]:
    """Build the key-values, in the order of a file.

    Args:
        tokenizer: what to write.
        template: chat template; None takes the first that the vocabulary can write,
            and none where it can write none.

    Raises:
        UserError: llama.cpp would split or merge in another way; the reason, in a line.
    """
    model = _check(tokenizer)
    template = template or choose_template(tokenizer.special_tokens)
    names = printable_tokens(tokenizer)
    values: dict[str, Any] = {
        "model": "gpt2",
        "pre": _SPLITS[model.pattern],
        "tokens": names,
        "token_type": _types(tokenizer),
        "merges": [f"{names[a]} {names[b]}" for a, b in model.merges],
        **_border_ids(tokenizer, template),
        "add_bos_token": False,
        "add_space_prefix": False,
    }
    result = {_PREFIX + key: value for key, value in values.items()}
    if template is not None:
        result["tokenizer.chat_template"] = chat_template(tokenizer, template)
    return result


def from_gguf_values(values: Mapping[str, Any]) -> Tokenizer:
    """Read key-values back, as llama.cpp understands them.

    Raises:
        UserError: another model or split than those written here.
    """
    value = {key.removeprefix(_PREFIX): item for key, item in values.items()}
    if value.get("model") != "gpt2" or value.get("pre") not in _PATTERNS:
        raise UserError(
            f"the file holds a tokenizer {value.get('model')!r} that splits as "
            f"{value.get('pre')!r}; known: gpt2 with {', '.join(_PATTERNS)}"
        )
    names, types = value["tokens"], value["token_type"]
    tokens = {
        from_printable(name): index
        for index, name in enumerate(names)
        if types[index] == NORMAL
    }
    pairs = [merge.split(" ") for merge in value["merges"]]
    merges = [(from_printable(a), from_printable(b)) for a, b in pairs]
    pattern = _PATTERNS[value["pre"]]
    model = BPE.from_merges(tokens, merges, pattern, whole_pieces=pattern == "llama3")
    specials = {name: i for i, name in enumerate(names) if types[i] == CONTROL}
    return Tokenizer(model, specials, len(names))


def add_gguf_values(writer: "GGUFWriter", values: Mapping[str, Any]) -> None:
    """Add key-values to a file that is being written."""
    for key, value in values.items():
        if isinstance(value, bool):
            writer.add_bool(key, value)
        elif isinstance(value, int):
            writer.add_uint32(key, value)
        elif isinstance(value, str):
            writer.add_string(key, value)
        else:
            writer.add_array(key, value)


def read_gguf_values(path: Path) -> dict[str, Any]:
    """Read the tokenizer's key-values of a GGUF file, as `gguf_values` builds them."""
    from gguf import GGUFReader

    fields = GGUFReader(path).fields
    return {
        key: field.contents()
        for key, field in fields.items()
        if key.startswith("tokenizer.")
    }


def write_gguf_vocabulary(
    tokenizer: Tokenizer, directory: Path, template: TemplateName | None = None
) -> None:
    """Write a GGUF file without weights, which llama.cpp loads as a vocabulary.

    Raises:
        UserError: llama.cpp would split or merge in another way.
    """
    from gguf import GGUFWriter

    values = gguf_values(tokenizer, template)
    with atomic_path(directory / VOCABULARY_FILE) as temporary:
        writer = GGUFWriter(temporary, "llama")
        add_gguf_values(writer, values)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()


def _check(tokenizer: Tokenizer) -> BPE:
    if not isinstance(tokenizer.model, BPE):
        raise UserError(
            f"llama.cpp knows no {tokenizer.kind} that keeps white space: only BPE "
            "can go into a GGUF file"
        )
    model = tokenizer.model
    if model.pattern not in _SPLITS:
        known = ", ".join(_SPLITS)
        raise UserError(
            f"llama.cpp cannot split texts by the pattern {model.pattern}; it knows "
            f"{known}: train with tokenizer.pattern of these for a GGUF file"
        )
    _check_cl100k(model)
    if model.pattern in ("llama3", "cl100k"):  # llama-bpe takes whole pieces
        check_every_token_is_made(model, "llama.cpp")
    elif model.whole_pieces:
        _check_merges_reach_all(model)
    return model


def _check_cl100k(model: BPE) -> None:
    if model.pattern != "cl100k":
        return
    for index, token in enumerate(model.tokens):
        if _PAST_A_LINE_BREAK.search(token):
            raise UserError(
                f"llama.cpp splits cl100k's white space at the end of a text in "
                f"another way, and token {index} ({token!r}) shows it: no GGUF file "
                "can hold this vocabulary"
            )


def _check_merges_reach_all(model: BPE) -> None:
    by_merges = BPE(model.merges, model.pattern, model.tokens, model.made, model.ranks)
    for index, token in enumerate(model.tokens):
        if token and by_merges.encode_piece(token) != [index]:
            raise UserError(
                f"llama.cpp builds every piece by merges, which do not lead to token "
                f"{index} ({token!r}): no GGUF file can hold this vocabulary"
            )


def _types(tokenizer: Tokenizer) -> list[int]:
    control = set(tokenizer.special_tokens.values())
    return [
        CONTROL if index in control else NORMAL if length else UNUSED
        for index, length in enumerate(tokenizer.byte_lengths.tolist())
    ]


def _border_ids(tokenizer: Tokenizer, template: TemplateName | None) -> dict[str, int]:
    found = border_tokens(tokenizer.special_tokens, template)
    ids = {key: tokenizer.special_tokens[name] for key, name in found.items() if name}
    eos = ids.get("eos_token")
    if eos is None:
        raise UserError(
            "llama.cpp takes id 11 for the end of a text where no token is named: "
            "a vocabulary without control tokens cannot go into a GGUF file"
        )
    result = {"bos_token_id": ids.get("bos_token", eos)}
    result |= {"eos_token_id": eos, "eot_token_id": eos}
    if "pad_token" in ids:
        result["padding_token_id"] = ids["pad_token"]
    return result
