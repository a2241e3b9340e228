"""The tokenizer as Hugging Face's libraries read it: tokenizer.json and its config."""

from typing import Any

from scratchlm.tokenizer.chat import CHAT_TEMPLATE
from scratchlm.tokenizer.pattern import PATTERNS
from scratchlm.tokenizer.special import END_OF_TEXT, END_OF_TURN, PAD, SPECIAL_TOKENS
from scratchlm.tokenizer.tokenizer import Tokenizer


def to_huggingface_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """Content of `tokenizer.json`: the same ids for every text without control names.

    A text that contains the name of a control token gets that token there, as always
    in those libraries; our own `encode` keeps it text.
    """
    names = printable_tokens(tokenizer)
    first = tokenizer.first_special_id
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            _added_token(first + index, name)
            for index, name in enumerate(SPECIAL_TOKENS)
        ],
        "normalizer": None,
        "pre_tokenizer": _pre_tokenizer(PATTERNS[tokenizer.pattern]),
        "post_processor": None,
        "decoder": _byte_level(),
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {name: index for index, name in enumerate(names[:first])},
            "merges": [[names[a], names[b]] for a, b in tokenizer.merges],
        },
    }


def to_huggingface_config(
    tokenizer: Tokenizer, context_length: int | None = None
) -> dict[str, Any]:
    """Content of `tokenizer_config.json`, the chat template included."""
    first = tokenizer.first_special_id
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "added_tokens_decoder": {
            str(first + index): _without_id(_added_token(first + index, name))
            for index, name in enumerate(SPECIAL_TOKENS)
        },
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TURN,
        "pad_token": PAD,
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "chat_template": CHAT_TEMPLATE,
    }
    if context_length is not None:
        config["model_max_length"] = context_length
    return config


def printable_tokens(tokenizer: Tokenizer) -> list[str]:
    """All V tokens as unique printable strings, in GPT-2's alphabet of bytes.

    Control tokens stand as their names, unused slots as `<|unused_0|>` and on. GGUF
    files hold the same strings.
    """
    letters = byte_alphabet()
    n_known = 256 + len(tokenizer.merges)
    known = [
        "".join(letters[byte] for byte in tokenizer.token_bytes(token))
        for token in range(n_known)
    ]
    unused = [f"<|unused_{index}|>" for index in range(tokenizer.n_unused)]
    return [*known, *unused, *SPECIAL_TOKENS]


def byte_alphabet() -> list[str]:
    """A printable character for each of the 256 bytes (GPT-2's `bytes_to_unicode`).

    Printable Latin-1 stands for itself, the other bytes in order for U+0100 and on.
    """
    itself = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in itself else next(others)) for byte in range(256)]


def _added_token(token: int, name: str) -> dict[str, Any]:
    return {
        "id": token,
        "content": name,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


def _without_id(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "id"}


def _byte_level() -> dict[str, Any]:
    return {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": False,
        "use_regex": False,
    }


def _pre_tokenizer(pattern: str) -> dict[str, Any]:
    split = {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": "Isolated",
        "invert": False,
    }
    return {"type": "Sequence", "pretokenizers": [split, _byte_level()]}
