"""The tokenizer as Hugging Face's libraries read it: tokenizer.json and its config.

    tokenizer.json         vocabulary, merges, split pattern, control tokens
    tokenizer_config.json  which token begins, ends and fills; the chat template
    chat_template.jinja    the chat template again, where newer versions look for it

WordPiece vocabularies are written by `huggingface_wordpiece`.
"""

from pathlib import Path
from typing import Any

from scratchlm.base.atomic import write_json, write_text
from scratchlm.base.errors import UserError
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.byte_alphabet import byte_alphabet as byte_alphabet
from scratchlm.tokenizer.byte_alphabet import printable
from scratchlm.tokenizer.chat import chat_template, unknown_token
from scratchlm.tokenizer.chat_templates import (
    TemplateName,
    border_tokens,
    choose_template,
)
from scratchlm.tokenizer.huggingface_wordpiece import wordpiece_parts
from scratchlm.tokenizer.pattern import PATTERNS
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.tokenizer.wordpiece import WordPiece

TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"
TEMPLATE_FILE = "chat_template.jinja"


def write_huggingface(
    tokenizer: Tokenizer,
    directory: Path,
    context_length: int | None = None,
    template: TemplateName | None = None,
) -> None:
    """Write the tokenizer's files for transformers.

    Args:
        tokenizer: what to write.
        directory: receives the files.
        context_length: tokens that the model can read; None leaves it unsaid.
        template: chat template; None takes the first that the vocabulary can write,
            and none where it can write none.
    """
    template = template or choose_template(tokenizer.special_tokens)
    write_json(directory / TOKENIZER_FILE, to_huggingface_json(tokenizer))
    config = to_huggingface_config(tokenizer, context_length, template)
    write_json(directory / CONFIG_FILE, config)
    if template is not None:
        write_text(directory / TEMPLATE_FILE, chat_template(tokenizer, template))


def to_huggingface_json(tokenizer: Tokenizer) -> dict[str, Any]:
    """Content of `tokenizer.json`: the same ids for every text without control names.

    A text that contains the name of a control token gets that token there, as always
    in those libraries; our own `encode` keeps it text.
    """
    model = tokenizer.model
    if isinstance(model, WordPiece):
        split = _pre_tokenizer(PATTERNS[model.pattern])
        parts = wordpiece_parts(tokenizer, model, split)
    else:
        parts = _bpe_parts(tokenizer, tokenizer.bpe)
    head = {"version": "1.0", "truncation": None, "padding": None}
    return {**head, "added_tokens": _added_tokens(tokenizer), **parts}


def _bpe_parts(tokenizer: Tokenizer, model: BPE) -> dict[str, Any]:
    names = printable_tokens(tokenizer)
    n_entries = _closing_specials(tokenizer)
    return {
        "normalizer": None,
        "pre_tokenizer": _pre_tokenizer(PATTERNS[model.pattern]),
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
            "ignore_merges": model.whole_pieces,
            "vocab": {name: index for index, name in enumerate(names[:n_entries])},
            "merges": [[names[a], names[b]] for a, b in model.merges],
        },
    }


def to_huggingface_config(
    tokenizer: Tokenizer,
    context_length: int | None = None,
    template: TemplateName | None = None,
) -> dict[str, Any]:
    """Content of `tokenizer_config.json`, the chat template included."""
    template = template or choose_template(tokenizer.special_tokens)
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "added_tokens_decoder": {
            str(entry.pop("id")): entry for entry in _added_tokens(tokenizer)
        },
        **border_tokens(tokenizer.special_tokens, template),
        "unk_token": unknown_token(tokenizer),
        **_bert_tokens(tokenizer),
        "clean_up_tokenization_spaces": False,
    }
    if template is not None:
        config["chat_template"] = chat_template(tokenizer, template)
    if context_length is not None:
        config["model_max_length"] = context_length
    return config


def printable_tokens(tokenizer: Tokenizer) -> list[str]:
    """All V tokens as unique printable strings, in GPT-2's alphabet of bytes.

    Control tokens stand as their names, unused slots as `<|unused_0|>` and on. GGUF
    files hold the same strings.

    Raises:
        UserError: a control token is named as an ordinary token is written.
    """
    control = {index: name for name, index in tokenizer.special_tokens.items()}
    names: list[str] = []
    n_unused = 0
    for token in range(tokenizer.vocab_size):
        content = tokenizer.token_bytes(token)
        if token in control:
            names.append(control[token])
        elif content:
            names.append(printable(content))
        else:
            names.append(f"<|unused_{n_unused}|>")
            n_unused += 1
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{twice!r} is the name of two tokens: other formats allow one")
    return names


def _bert_tokens(tokenizer: Tokenizer) -> dict[str, str]:
    names = {name: f"[{name.upper()}]" for name in ("cls", "sep", "mask")}
    known = tokenizer.special_tokens
    return {f"{key}_token": name for key, name in names.items() if name in known}


def _closing_specials(tokenizer: Tokenizer) -> int:
    """The id from which on all are control tokens: they need no other entry."""
    first = tokenizer.vocab_size
    specials = set(tokenizer.special_tokens.values())
    while first - 1 in specials:
        first -= 1
    return first


def _added_tokens(tokenizer: Tokenizer) -> list[dict[str, Any]]:
    by_id = sorted(tokenizer.special_tokens.items(), key=lambda item: item[1])
    return [
        {
            "id": token,
            "content": name,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for name, token in by_id
    ]


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
