"""WordPiece: a word is spelled with the longest tokens that fit, from left to right.

A token that begins a word and one that continues it are different tokens, even where
they have the same letters; the second is written with a prefix ("##ing"). There are no
merges: only the set of tokens counts (Schuster & Nakajima 2012; Devlin et al. 2018,
arXiv:1810.04805).

    >>> model = WordPiece(("[UNK]", "un", "##able", "##a"), form="bert", prefix="##")
    >>> model.encode_piece(b"unable")
    [1, 2]

Two forms. "bert" is BERT's: words as `bert` cuts them, white space lost, a word that
cannot be spelled is [UNK]. "cased" keeps everything: pieces are those of a split
pattern, as for BPE, and tokens are bytes, all 256 of which can begin and continue a
piece; decoding joins the tokens and gives the text back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

from scratchlm.tokenizer.bert import UNKNOWN, BertSplit
from scratchlm.tokenizer.byte_alphabet import from_printable, printable
from scratchlm.tokenizer.native_encoder import NativeLayout
from scratchlm.tokenizer.pattern import PatternName, split_text
from scratchlm.tokenizer.scanner import scan_pieces

Form = Literal["cased", "bert"]

CASED_PREFIX = "\u203f"
"""Prefix of a continuing token in the cased form: no character of the byte alphabet."""

_NO_SPACE_BEFORE = ".?!,"  # as Hugging Face's decoder cleans up


@dataclass(frozen=True)
class WordPiece:
    """Everything that decides which ids a piece of text gets."""

    tokens: tuple[str, ...]
    """By id, as `tokenizer.json` writes them: with the prefix, in the cased form in
    GPT-2's alphabet of bytes; "" for ids that no text gets."""
    form: Form
    pattern: PatternName = "llama3"
    """How the cased form splits texts into pieces."""
    lower: bool = True
    """BERT's form: lower-case."""
    strip_accents: bool = True
    """BERT's form: drop accents."""
    prefix: str = CASED_PREFIX
    """What marks a token that continues a word."""
    unknown: str = UNKNOWN
    """BERT's form: the token of a word that cannot be spelled."""
    max_word_chars: int = 100
    """BERT's form: a longer word is unknown."""

    kind: ClassVar[str] = "wordpiece"

    @classmethod
    def cased(
        cls, units: Iterable[tuple[bytes, bool]], pattern: PatternName = "llama3"
    ) -> "WordPiece":
        """The form that keeps the text.

        Args:
            units: bytes of each token, and whether it continues a piece.
            pattern: how texts are split into pieces.
        """
        tokens = (
            (CASED_PREFIX if continues else "") + printable(token)
            for token, continues in units
        )
        return cls(tuple(tokens), "cased", pattern)

    def split(self, text: str) -> list[str]:
        """Cut a text into the words or pieces that are encoded one by one."""
        if self.form == "bert":
            return self._words.split_words(text)
        return split_text(self.pattern, text)

    def scan(self, text: str) -> list[str]:
        """The same by the specification of splitting."""
        if self.form == "bert":
            return self._words.scan_words(text)
        return scan_pieces(self.pattern, text)

    def encode_piece(self, piece: bytes) -> list[int]:
        """Ids of one word or piece: the specification of encoding.

        The longest token that fits, again and again. In valid UTF-8 the longest by
        bytes is the longest by characters, so that both forms look at bytes.
        """
        ids: list[int] = []
        known, start = self._first, 0
        while start < len(piece):
            end = min(len(piece), start + self._longest)
            while end > start and piece[start:end] not in known:
                end -= 1
            if end == start:
                return [self.unknown_id]
            ids.append(known[piece[start:end]])
            known, start = self._continuing, end
        return [self.unknown_id] if self._is_too_long(piece) else ids

    def tokens_as_bytes(self) -> tuple[bytes, ...]:
        """Bytes that each id stands for in a decoded text.

        In BERT's form a token that begins a word brings the space before it.
        """
        return self._bytes

    def decode(self, ids: Iterable[int]) -> bytes:
        """Bytes of a sequence of ids; in BERT's form white space is a guess."""
        joined = b"".join(map(self._bytes.__getitem__, ids))
        return joined.removeprefix(b" ") if self.form == "bert" else joined

    @property
    def summary(self) -> str:
        """The vocabulary in a few words."""
        form = "WordPiece" if self.form == "cased" else "WordPiece in BERT's form"
        return f"{form}, {len(self._continuing):,} tokens continue a word"

    def native_layout(self) -> NativeLayout | None:
        """The vocabulary as the C core takes it; it has no form of BERT's."""
        if self.form == "bert":
            return None
        continuing = [self._continues(token) for token in self.tokens]
        return NativeLayout(self.pattern, self._bytes, continuing=continuing)

    def describe(self) -> dict[str, Any]:
        """The vocabulary as a JSON value."""
        common = {"form": self.form, "prefix": self.prefix}
        if self.form == "cased":
            own: dict[str, Any] = {"pattern": self.pattern}
        else:
            own = {name: getattr(self, name) for name in _BERT_FIELDS}
        return {**common, **own, "tokens": list(self.tokens)}

    @classmethod
    def from_description(cls, value: Mapping[str, Any]) -> "WordPiece":
        """What `describe` wrote."""
        return cls(**{**value, "tokens": tuple(value["tokens"])})

    @property
    def unknown_id(self) -> int:
        """Id of the token of words that cannot be spelled (BERT's form)."""
        return self.tokens.index(self.unknown)

    @cached_property
    def _words(self) -> BertSplit:
        return BertSplit(self.lower, self.strip_accents)

    @cached_property
    def _first(self) -> dict[bytes, int]:
        return {
            self._to_bytes(token): index
            for index, token in enumerate(self.tokens)
            if token and not self._continues(token)
        }

    @cached_property
    def _continuing(self) -> dict[bytes, int]:
        return {
            self._to_bytes(token[len(self.prefix) :]): index
            for index, token in enumerate(self.tokens)
            if self._continues(token)
        }

    @cached_property
    def _longest(self) -> int:
        return max(map(len, (*self._first, *self._continuing)), default=0)

    @cached_property
    def _bytes(self) -> tuple[bytes, ...]:
        return tuple(map(self._decoded, self.tokens))

    def _continues(self, token: str) -> bool:
        return token.startswith(self.prefix) and token != self.prefix

    def _to_bytes(self, text: str) -> bytes:
        return text.encode() if self.form == "bert" else from_printable(text)

    def _decoded(self, token: str) -> bytes:
        if self._continues(token):
            return self._to_bytes(token[len(self.prefix) :])
        if self.form == "cased" or not token or token[0] in _NO_SPACE_BEFORE:
            return self._to_bytes(token)
        return b" " + token.encode()

    def _is_too_long(self, piece: bytes) -> bool:
        if self.form == "cased" or len(piece) <= self.max_word_chars:
            return False
        return len(piece.decode()) > self.max_word_chars


_BERT_FIELDS = ("lower", "strip_accents", "unknown", "max_word_chars")
