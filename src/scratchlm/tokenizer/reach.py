"""Which tokens no text is ever encoded to.

A token can be out of reach for two reasons. *Taken*: other tokens always take a part
of its bytes. Where merges alone decide, this is exact: inside borders that no merge
crosses, bytes are merged as they would be alone, so that a token that stands anywhere
is what its own bytes become. *Split*: the pattern cuts every text inside the token, as
`1234` under a pattern of three digits.

Otherwise a witness is searched, a text that gives the token: the token alone, and
between neighbours of every class that patterns tell apart. A token that begins or ends
within a character is completed first: by every character that has those bytes, one of
each class among neighbours, and all of them alone. WordPiece's continuing tokens are
tried behind every token that can begin a word.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice, product
from typing import Literal

import numpy as np

from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.encoder import Model
from scratchlm.tokenizer.tokenizer import Tokenizer
from scratchlm.tokenizer.unicode_classes import class_table
from scratchlm.tokenizer.wordpiece import WordPiece

Reason = Literal["taken", "split"]

# A lower and an upper letter, one that is both, a mark, a digit, signs, white space.
_NEIGHBOURS = ("", "a", "A", "中", "\u0301", "1", "!", "'", " ", "\n")
_CONTINUATIONS = bytes(range(0x80, 0xC0))
_CONTINUATION = rb"[\x80-\xbf]"
_LEAD = rb"[\xc2-\xf4]"
_FEW = 8
_FEW_HEADS = 64


@dataclass(frozen=True)
class Unreachable:
    """A token that no text is encoded to."""

    id: int
    token: bytes
    reason: Reason


def find_unreachable(tokenizer: Tokenizer) -> list[Unreachable]:
    """All tokens that no text is encoded to, by id; bytes that are no text aside.

    The 13 bytes that UTF-8 never has are left out, and in WordPiece those that begin
    no character: any vocabulary holds them, so that damaged input has ids too.
    """
    tokens = _text_tokens(tokenizer)
    reached = _reached_alone(tokenizer, tokens)
    found = []
    for token_id, token in tokens.items():
        if token_id in reached or is_never_text(token):
            continue
        if _begins_within_a_character(tokenizer.model, token_id, token):
            continue
        if (reason := _why_unreachable(tokenizer, token_id, token)) is not None:
            found.append(Unreachable(token_id, token, reason))
    return found


def is_text(token: bytes) -> bool:
    """Whether a token is valid UTF-8 by itself."""
    try:
        token.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_never_text(token: bytes) -> bool:
    """Whether a token is a single byte that stands in no valid UTF-8."""
    return len(token) == 1 and (token in (b"\xc0", b"\xc1") or token[0] > 0xF4)


def _begins_within_a_character(model: Model, token_id: int, token: bytes) -> bool:
    """Whether a token that must begin a word has bytes that end a character."""
    if not isinstance(model, WordPiece) or token[0] not in _CONTINUATIONS:
        return False
    return not model.tokens[token_id].startswith(model.prefix)


def _text_tokens(tokenizer: Tokenizer) -> dict[int, bytes]:
    apart = set(tokenizer.special_tokens.values())
    model = tokenizer.model
    if isinstance(model, WordPiece) and model.form == "bert":
        apart.add(model.unknown_id)
    listed = enumerate(model.tokens_as_bytes())
    return {index: token for index, token in listed if token and index not in apart}


def _reached_alone(tokenizer: Tokenizer, tokens: dict[int, bytes]) -> set[int]:
    """Tokens that occur in the encoding of some token's own text."""
    texts = [token.decode() for token in tokens.values() if is_text(token)]
    ids, _ = tokenizer.encode_batch_to_numpy(texts, threads=1)
    return set(ids.tolist())


def _why_unreachable(
    tokenizer: Tokenizer, token_id: int, token: bytes
) -> Reason | None:
    model = tokenizer.model
    if _merges_decide(model) and model.encode_piece(token) != [token_id]:
        return "taken"
    whole = False
    for texts in chain(_witnesses(token), _continuations(model, token)):
        ids, _ = tokenizer.encode_batch_to_numpy(texts, threads=1)
        if token_id in ids:
            return None
        whole = whole or any(_is_inside_a_piece(tokenizer, t, token) for t in texts)
    return "taken" if whole else "split"


def _continuations(model: Model, token: bytes) -> Iterator[list[str]]:
    """The token behind others, the longest first, which nothing longer replaces."""
    if isinstance(model, WordPiece) and is_text(token):
        heads = filter(is_text, sorted(model.tokens_as_bytes(), key=len, reverse=True))
        texts = (head.decode() + token.decode() for head in heads)
        yield list(islice(texts, _FEW_HEADS))
        yield list(texts)


def _merges_decide(model: Model) -> bool:
    return isinstance(model, BPE) and not model.whole_pieces


def _is_inside_a_piece(tokenizer: Tokenizer, text: str, token: bytes) -> bool:
    return any(token in piece.encode() for piece in tokenizer.split(text))


def _witnesses(token: bytes) -> Iterator[list[str]]:
    """Texts that hold the token's bytes: a few, beside neighbours, then all."""
    head, middle, tail = _parts(token)
    if middle is None:
        return
    at_end = bool(middle or tail)
    few = product(_characters(head, at_end, _FEW), _characters(tail, False, _FEW))
    yield [f"{begin}{middle}{end}" for begin, end in few]
    begins, ends = _characters(head, at_end), _characters(tail, False)
    pairs = list(product(_one_a_class(begins), _one_a_class(ends)))
    yield [
        f"{before}{begin}{middle}{end}{after}"
        for begin, end in pairs
        for before, after in product(_NEIGHBOURS, repeat=2)
    ]
    if head or tail:
        yield [f"{begin}{middle}{end}" for begin in begins for _, end in pairs]
        yield [f"{begin}{middle}{end}" for begin, _ in pairs for end in ends]


def _parts(token: bytes) -> tuple[bytes, str | None, bytes]:
    """The end of a character, whole characters (None: no text), a character's begin."""
    n_head = len(token) - len(token.lstrip(_CONTINUATIONS))
    for n_tail in range(4):
        tail = token[max(n_head, len(token) - n_tail) :]
        try:
            middle = token[n_head : len(token) - len(tail)].decode()
        except UnicodeDecodeError:
            continue
        return token[:n_head], middle, tail
    return token[:n_head], None, b""


@cache
def _characters(
    fragment: bytes, at_end: bool, most: int | None = None
) -> tuple[str, ...]:
    """Characters that begin with, hold or end with a fragment; "" where it is empty."""
    if not fragment:
        return ("",)
    part = re.escape(fragment)
    more = _CONTINUATION + rb"*"
    if fragment[0] not in _CONTINUATIONS:
        pattern = part + more
    elif at_end:
        pattern = _LEAD + more + part + rb"(?!" + _CONTINUATION + rb")"
    else:
        pattern = _LEAD + more + part + more
    found = re.finditer(pattern, _all_characters())
    return tuple(match[0].decode() for match in islice(found, most))


@cache
def _all_characters() -> bytes:
    """Every character of several bytes, the rarest planes first."""
    high, low = np.arange(0x10FFFF, 0xDFFF, -1), np.arange(0xD7FF, 0x7F, -1)
    points = np.concatenate([high, low]).astype("<u4")
    return points.tobytes().decode("utf-32-le").encode()


def _one_a_class(characters: Iterable[str]) -> list[str]:
    classes = class_table()
    first: dict[int, str] = {}
    for character in characters:
        first.setdefault(classes[ord(character)] if character else -1, character)
    return list(first.values())
