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
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, product
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
    if _is_given(tokenizer, token_id, _few_witnesses(token)):
        return None
    beside = _beside_neighbours(token)
    if _is_given(tokenizer, token_id, beside):
        return None
    if isinstance(model, WordPiece):
        stages = _continuations(model, token)
    elif any(_is_inside_a_piece(tokenizer, text, token) for text in beside):
        stages = _completions(token)
    else:
        return "split"
    given = any(_is_given(tokenizer, token_id, texts) for texts in stages)
    return None if given else "taken"


def _is_given(tokenizer: Tokenizer, token_id: int, texts: list[str]) -> bool:
    ids, _ = tokenizer.encode_batch_to_numpy(texts, threads=1)
    return bool((ids == token_id).any())


def _continuations(model: Model, token: bytes) -> Iterator[list[str]]:
    """The token behind others, the longest first, which nothing longer replaces."""
    if is_text(token):
        heads = filter(is_text, sorted(model.tokens_as_bytes(), key=len, reverse=True))
        texts = (head.decode() + token.decode() for head in heads)
        yield list(islice(texts, _FEW_HEADS))
        yield list(texts)


def _merges_decide(model: Model) -> bool:
    return isinstance(model, BPE) and not model.whole_pieces


def _is_inside_a_piece(tokenizer: Tokenizer, text: str, token: bytes) -> bool:
    return any(token in piece.encode() for piece in tokenizer.split(text))


def _few_witnesses(token: bytes) -> list[str]:
    """Texts that hold the token's bytes, completed by a few rare characters."""
    head, middle, tail = _parts(token)
    if middle is None:
        return []
    begins = _characters(head, bool(middle or tail), _FEW)
    ends = _characters(tail, False, _FEW)
    return [f"{begin}{middle}{end}" for begin, end in product(begins, ends)]


def _beside_neighbours(token: bytes) -> list[str]:
    """The token, completed by one character of each class, between neighbours."""
    head, middle, tail = _parts(token)
    if middle is None:
        return []
    begins = _one_a_class(head, bool(middle or tail))
    ends = _one_a_class(tail, False)
    return [
        f"{before}{begin}{middle}{end}{after}"
        for begin, end in product(begins, ends)
        for before, after in product(_NEIGHBOURS, repeat=2)
    ]


def _completions(token: bytes) -> Iterator[list[str]]:
    """The token completed by every character that has its bytes, alone."""
    head, middle, tail = _parts(token)
    if middle is not None and (head or tail):
        at_end = bool(middle or tail)
        begins, some_begins = _characters(head, at_end), _one_a_class(head, at_end)
        ends, some_ends = _characters(tail, False), _one_a_class(tail, False)
        yield [f"{begin}{middle}{end}" for begin in begins for end in some_ends]
        yield [f"{begin}{middle}{end}" for begin in some_begins for end in ends]


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


@cache
def _one_a_class(fragment: bytes, at_end: bool) -> tuple[str, ...]:
    """One of those of each class; the long s too, a letter of contractions."""
    characters = _characters(fragment, at_end)
    classes = class_table()
    first: dict[int, str] = {}
    for character in characters:
        first.setdefault(classes[ord(character)] if character else -1, character)
    long_s = ("ſ",) if "ſ" in characters else ()
    return (*first.values(), *long_s)
