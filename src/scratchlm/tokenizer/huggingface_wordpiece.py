"""WordPiece in Hugging Face's tokenizer.json: what differs from BPE, and back.

The cased form goes out as WordPiece over GPT-2's alphabet of bytes: the texts are
split and spelled in bytes before the model sees them, and its decoder takes the prefix
away and turns the bytes into text. BERT's form goes out as BERT's.
"""

import re
from collections.abc import Mapping
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.bert import BERT_SPECIAL_TOKENS
from scratchlm.tokenizer.pattern import PATTERNS, PatternName
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.tokenizer.wordpiece import WordPiece

_NO_LIMIT = 1 << 31
"""Characters of a word in the cased form; the format wants a number."""

_UNUSED = re.compile(r"<\|unused_\d+\|>")


def wordpiece_parts(
    tokenizer: Tokenizer, model: WordPiece, split: Mapping[str, Any]
) -> dict[str, Any]:
    """The entries of `tokenizer.json` that a WordPiece vocabulary decides.

    Args:
        tokenizer: whose file it is.
        model: its vocabulary.
        split: the entry `pre_tokenizer` of the cased form.
    """
    cased = model.form == "cased"
    return {
        "normalizer": None if cased else _normalizer(model),
        "pre_tokenizer": dict(split) if cased else {"type": "BertPreTokenizer"},
        "post_processor": None if cased else _frame(tokenizer.special_tokens),
        "decoder": _decoder(model),
        "model": {
            "type": "WordPiece",
            "unk_token": model.unknown,
            "continuing_subword_prefix": model.prefix,
            "max_input_chars_per_word": _NO_LIMIT if cased else model.max_word_chars,
            "vocab": _vocabulary(tokenizer, model),
        },
    }


def read_wordpiece(content: Mapping[str, Any], origin: str) -> Tokenizer:
    """A tokenizer from the content of a `tokenizer.json` with a WordPiece model.

    Args:
        content: the parsed file; its model is a WordPiece.
        origin: name of the file, for messages.

    Raises:
        UserError: it cleans, splits or marks texts in a way that we do not, or it
            lacks something, with the reason.
    """
    try:
        model, specials = _read(content)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{origin} is no complete tokenizer.json of a WordPiece ({error!r}): "
            "export it anew"
        ) from None
    except UserError as error:
        raise UserError(f"{origin} {error}") from None
    last = max((*content["model"]["vocab"].values(), *specials.values()), default=-1)
    return Tokenizer(model, specials, last + 1)


def _read(content: Mapping[str, Any]) -> tuple[WordPiece, dict[str, int]]:
    model = content["model"]
    added = content.get("added_tokens") or []
    unknown = model["unk_token"]
    others = [entry["content"] for entry in added if not entry["special"]]
    if others:
        raise UserError(f"adds the token {others[0]!r}, which is no control token")
    specials = {
        entry["content"]: entry["id"] for entry in added if entry["content"] != unknown
    }
    settings = _read_settings(content, model)
    tokens = _read_tokens(model["vocab"], set(specials.values()))
    if settings["form"] == "bert" and unknown not in tokens:
        raise UserError(f"has no token {unknown!r} for unknown words")
    return WordPiece(tokens, prefix=_prefix(model), **settings), specials


def _read_settings(
    content: Mapping[str, Any], model: Mapping[str, Any]
) -> dict[str, Any]:
    normalizer, split = content["normalizer"], content["pre_tokenizer"]
    if normalizer is None and split and split["type"] == "Sequence":
        return {"form": "cased", "pattern": _read_pattern(split)}
    is_bert = (
        (normalizer or {}).get("type") == "BertNormalizer"
        and (split or {}).get("type") == "BertPreTokenizer"
        and normalizer["clean_text"]
        and normalizer["handle_chinese_chars"]
    )
    if not is_bert:
        raise UserError("neither cleans and splits texts as BERT does nor keeps them")
    lower = bool(normalizer["lowercase"])
    strip = normalizer.get("strip_accents")
    return {
        "form": "bert",
        "lower": lower,
        "strip_accents": lower if strip is None else bool(strip),
        "unknown": model["unk_token"],
        "max_word_chars": model["max_input_chars_per_word"],
    }


def _read_pattern(split: Mapping[str, Any]) -> PatternName:
    first, *others = split["pretokenizers"]
    regex = (first.get("pattern") or {}).get("Regex")
    is_bytes = [other["type"] for other in others] == ["ByteLevel"]
    for name, pattern in PATTERNS.items():
        if is_bytes and pattern == regex:
            return name
    raise UserError("splits texts by a pattern that we do not know")


def _read_tokens(vocabulary: Mapping[str, int], specials: set[int]) -> tuple[str, ...]:
    tokens = [""] * (1 + max(vocabulary.values(), default=-1))
    for token, index in vocabulary.items():
        if index not in specials and not _UNUSED.fullmatch(token):
            tokens[index] = token
    while tokens and not tokens[-1]:
        tokens.pop()
    return tuple(tokens)


def _prefix(model: Mapping[str, Any]) -> str:
    prefix = model["continuing_subword_prefix"]
    if not prefix:
        raise UserError("marks continuing tokens with nothing at all")
    return str(prefix)


def _vocabulary(tokenizer: Tokenizer, model: WordPiece) -> dict[str, int]:
    """Written form of each token -> id; the control tokens at the end are left out.

    The format counts those from the end of the vocabulary on.
    """
    control = {index: name for name, index in tokenizer.special_tokens.items()}
    size = tokenizer.vocab_size
    while size - 1 in control:
        size -= 1
    names: dict[str, int] = {}
    n_unused = 0
    for index in range(size):
        token = model.tokens[index] if index < len(model.tokens) else ""
        if not token and index not in control:
            token = f"<|unused_{n_unused}|>"
            n_unused += 1
        names[token or control[index]] = index
    return names


def _normalizer(model: WordPiece) -> dict[str, Any]:
    return {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": model.strip_accents,
        "lowercase": model.lower,
    }


def _frame(specials: Mapping[str, int]) -> dict[str, Any] | None:
    """`[CLS] A [SEP] B [SEP]` with its segments, where these tokens exist."""
    _, cls, sep, _ = BERT_SPECIAL_TOKENS
    if cls not in specials or sep not in specials:
        return None
    frame = {"sep": [sep, specials[sep]], "cls": [cls, specials[cls]]}
    return {"type": "BertProcessing", **frame}


def _decoder(model: WordPiece) -> dict[str, Any]:
    if model.form == "bert":
        return {"type": "WordPiece", "prefix": model.prefix, "cleanup": True}
    join = {"type": "Replace", "pattern": {"String": model.prefix}, "content": ""}
    spell: dict[str, Any] = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": False,
        "use_regex": False,
    }
    return {"type": "Sequence", "decoders": [join, spell]}
