r"""Read byte-level BPE from a `tokenizer.json` of Hugging Face's libraries.

Taken over is what decides the ids of a text: vocabulary, merges, split pattern, control
tokens. A feature that would give other ids is refused with its name. Not taken over,
because `encode` never does them: tokens put before or after a text (`post_processor`),
truncation, padding.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from scratchlm.base.errors import UserError
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.byte_alphabet import from_printable
from scratchlm.tokenizer.pattern import PATTERNS, PatternName
from scratchlm.tokenizer.tokenizer import Tokenizer

# Other spellings of the patterns; they cut every text in the same way.
_TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_LETTERS = r"|[^\r\n\p{L}\p{N}]?\p{L}+"
_SPELLINGS: Mapping[str, PatternName] = {
    **{text: name for name, text in PATTERNS.items()},
    r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+": "gpt2",
    rf"(?i:'s|'t|'re|'ve|'m|'ll|'d){_LETTERS}|\p{{N}}{{1,3}}{_TAIL}": "llama3",
    rf"(?i:'s|'t|'re|'ve|'m|'ll|'d){_LETTERS}|\p{{N}}{{1,2}}{_TAIL}": "digits2",
    rf"(?i:'s|'t|'re|'ve|'m|'ll|'d){_LETTERS}|\p{{N}}{_TAIL}": "qwen2",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+": "llama3",
}
_MAX_IDS = 1 << 24
_UNUSED = re.compile(r"<\|unused_\d+\|>")
_CONTROL = re.compile(r"<[^<>\s]+>|\[[A-Z_0-9]+\]")
_HARMLESS_PROCESSORS = {
    *("ByteLevel", "TemplateProcessing", "BertProcessing", "RobertaProcessing")
}


def read_huggingface_bpe(
    value: Mapping[str, Any], pattern: PatternName | None = None
) -> Tokenizer:
    """Build a tokenizer from the content of a `tokenizer.json` of type BPE.

    Args:
        value: the JSON object.
        pattern: the split pattern, where it is known to be one that the file spells
            in a way unknown here.

    Raises:
        UserError: a feature that would give other ids, or a broken vocabulary.
    """
    _refuse_features(value)
    name = pattern or find_pattern(value.get("pre_tokenizer"))
    specials = read_added_tokens(value)
    model = value["model"]
    merges = [_read_merge(merge) for merge in model["merges"]]
    return build_bpe(
        model["vocab"], merges, name, specials, bool(model.get("ignore_merges"))
    )


def build_bpe(
    vocab: Mapping[str, int],
    merges: list[tuple[str, str]],
    pattern: PatternName,
    specials: Mapping[str, int],
    whole_pieces: bool = False,
) -> Tokenizer:
    """Build a tokenizer from printable tokens and merges; our own layout is found.

    Args:
        vocab: printable token -> id.
        merges: printable halves, in order of rank.
        pattern: how texts are split.
        specials: control token -> id.
        whole_pieces: a piece that is a token is never built by merges.

    Raises:
        UserError: a token that is no bytes, a merge of unknown tokens.
    """
    size = check_size(vocab.values(), specials.values())
    made = {left + right for left, right in merges}
    written = {
        token: _to_bytes(token)
        for token in vocab
        if token not in specials and (token in made or not _UNUSED.fullmatch(token))
    }
    ids = {content: vocab[token] for token, content in written.items()}
    pairs = [
        (written.get(left) or _to_bytes(left), written.get(right) or _to_bytes(right))
        for left, right in merges
    ]
    model = BPE.from_merges(ids, pairs, pattern, whole_pieces)
    by_id = sorted(specials.items(), key=lambda item: item[1])
    return Tokenizer(_own_if_equal(model), dict(by_id), size)


def check_size(*ids: Iterable[int]) -> int:
    """Number of ids that a vocabulary needs.

    Raises:
        UserError: an id that is no whole number, or beyond all vocabularies.
    """
    known = list(chain(*ids))
    wrong = [value for value in known if type(value) is not int or value >= _MAX_IDS]
    if wrong:
        raise UserError(f"{wrong[0]!r} is no id of a token: the file was edited")
    return 1 + max(known, default=-1)


def find_pattern(pre_tokenizer: Any) -> PatternName:
    """Recognise how a file splits texts.

    Args:
        pre_tokenizer: its entry in `tokenizer.json`.

    Raises:
        UserError: another way than the known ones.
    """
    parts = [pre_tokenizer or {"type": "nothing"}]
    if parts[0]["type"] == "Sequence":
        parts = list(parts[0]["pretokenizers"])
    *before, last = parts
    if last["type"] != "ByteLevel":
        raise _unknown_split(f"by {last['type']}, not ByteLevel")
    if last.get("add_prefix_space", True):
        raise _unknown_split("after putting a space before the text (add_prefix_space)")
    if not before and last.get("use_regex", True):
        return "gpt2"
    if [part["type"] for part in before] != ["Split"] or last.get("use_regex", True):
        names = " and ".join(part["type"] for part in parts)
        raise _unknown_split(f"by {names}")
    return _find_spelling(before[0])


def find_control_tokens(
    vocab: Mapping[str, int], merges: Iterable[tuple[str, str]]
) -> dict[str, int]:
    """Control tokens of a vocabulary that does not list them: `<name>`, never made."""
    made = {left + right for left, right in merges}
    return {
        token: token_id
        for token, token_id in vocab.items()
        if _CONTROL.fullmatch(token)
        and token not in made
        and not _UNUSED.fullmatch(token)
    }


def read_added_tokens(value: Mapping[str, Any]) -> dict[str, int]:
    """Read the control tokens of a `tokenizer.json`.

    Raises:
        UserError: an added token that ordinary text becomes, or that takes the white
            space beside it.
    """
    specials: dict[str, int] = {}
    for entry in value.get("added_tokens") or ():
        name = entry["content"]
        if not entry.get("special", True) and not _CONTROL.fullmatch(name):
            raise UserError(
                f"the added token {name!r} is no control token: ordinary text would "
                "become it there, but not here"
            )
        flags = [key for key in ("lstrip", "rstrip", "single_word") if entry.get(key)]
        if flags:
            raise UserError(
                f"the added token {name!r} looks at the text beside it ({flags[0]}), "
                "which control tokens here do not"
            )
        specials[name] = entry["id"]
    return specials


def refuse_processor(value: Mapping[str, Any]) -> None:
    """Accept what only puts tokens around a text, which `encode` does not.

    Raises:
        UserError: a post-processor that is not known to do no more.
    """
    processor = value.get("post_processor") or {"type": "Sequence", "processors": []}
    for part in processor.get("processors", [processor]):
        if part["type"] not in _HARMLESS_PROCESSORS:
            raise UserError(f"the post-processor {part['type']} is not known")


def _refuse_features(value: Mapping[str, Any]) -> None:
    normalizer = value.get("normalizer")
    if normalizer is not None:
        raise UserError(
            f"the file changes texts before it splits them (normalizer "
            f"{normalizer['type']}), which BPE here does not"
        )
    decoder = value.get("decoder")
    if decoder is not None and decoder["type"] != "ByteLevel":
        raise UserError(
            f"the file decodes by {decoder['type']}: only byte-level BPE (ByteLevel) "
            "can be read"
        )
    refuse_processor(value)
    model = value["model"]
    for feature in (
        *("dropout", "unk_token", "byte_fallback", "fuse_unk"),
        *("continuing_subword_prefix", "end_of_word_suffix"),
    ):
        if model.get(feature):
            raise UserError(
                f"the file's BPE uses {feature} ({model[feature]!r}), which byte-level "
                "BPE here does not have"
            )


def _find_spelling(split: Mapping[str, Any]) -> PatternName:
    text = split["pattern"].get("Regex")
    if split.get("behavior") != "Isolated" or split.get("invert"):
        raise _unknown_split(f"and then keeps pieces as {split.get('behavior')}")
    if text not in _SPELLINGS:
        raise _unknown_split(f"by the pattern {text!r}")
    return _SPELLINGS[text]


def _unknown_split(how: str) -> UserError:
    return UserError(
        f"the file splits texts {how}; known are the patterns {', '.join(PATTERNS)}, "
        "each before ByteLevel"
    )


def _read_merge(merge: Any) -> tuple[str, str]:
    parts = merge.split(" ") if isinstance(merge, str) else merge
    if len(parts) != 2:
        raise UserError(f"the merge {merge!r} is no pair of tokens")
    return parts[0], parts[1]


def _to_bytes(token: str) -> bytes:
    try:
        return from_printable(token)
    except KeyError:
        raise UserError(
            f"the token {token!r} is not written in the alphabet of bytes: the file "
            "holds no byte-level BPE"
        ) from None


def _own_if_equal(model: BPE) -> BPE:
    """The same vocabulary in our own layout, where it has it: equal to the original."""
    if model.whole_pieces or model.made != tuple(range(256, 256 + len(model.merges))):
        return model
    try:
        own = BPE.own(model.merges, model.pattern)
    except UserError:  # merges in another order than their ids
        return model
    return own if own.tokens == model.tokens[: len(own.tokens)] else model
