"""The tokenizer: text to ids and back.

A vocabulary (`BPE` or `WordPiece`) and its control tokens. `encode` knows no control
tokens: whatever a text contains stays text, unless the caller allows some by name.
Our own layout ends with the 16 control tokens of `special`.
"""

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property, partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.tokenizer.bpe import Merge
from scratchlm.tokenizer.bpe_model import BPE
from scratchlm.tokenizer.encoder import Model, build_encoder
from scratchlm.tokenizer.native_encoder import Backend, NativeEncoder
from scratchlm.tokenizer.pattern import PatternName, replace_lone_surrogates
from scratchlm.tokenizer.special import SPECIAL_TOKENS, ControlTokens
from scratchlm.tokenizer.store import describe, read_description, write_description

Result = TypeVar("Result")

Special = Collection[str] | Literal["all"]
"""Names of control tokens that a text may contain as such."""


class Tokenizer(ControlTokens):
    """A vocabulary with its control tokens, ready to encode and decode.

    Args:
        model: what text is encoded to.
        special_tokens: control token -> id.
        vocab_size: number of ids V.
        backend: "native", "python" or "specification"; None takes the fastest here.
    """

    def __init__(
        self,
        model: Model,
        special_tokens: Mapping[str, int],
        vocab_size: int,
        *,
        backend: Backend | None = None,
    ) -> None:
        self.model = model
        self.special_tokens = dict(special_tokens)
        self.vocab_size = vocab_size
        self._check_layout()
        self._encoder = build_encoder(model, vocab_size, backend)
        self._encode = self._encoder.encode
        if isinstance(self._encoder, NativeEncoder):
            # A call of Python costs as much as encoding ten bytes: a plain call of
            # `encode` goes straight to C, which leaves the rest to the method.
            direct = self._encoder.encode_or_else(self.encode)
            self.encode = direct  # type: ignore[method-assign]

    def __reduce__(self) -> tuple[Any, ...]:
        return Tokenizer, (self.model, self.special_tokens, self.vocab_size)

    @classmethod
    def own(
        cls,
        merges: Iterable[Merge] = (),
        pattern: PatternName = "llama3",
        vocab_size: int | None = None,
        **options: Any,
    ) -> "Tokenizer":
        """Byte-level BPE in our own layout.

        Args:
            merges: pairs of ids, in the order learned; merge i makes id 256 + i.
            pattern: how texts are split into pieces.
            vocab_size: number of ids; None means no slot more than needed.
            **options: as `in_own_layout`.
        """
        return cls.in_own_layout(BPE.own(merges, pattern), vocab_size, **options)

    @classmethod
    def in_own_layout(
        cls,
        model: Model,
        vocab_size: int | None = None,
        *,
        special_tokens: Sequence[str] = SPECIAL_TOKENS,
        backend: Backend | None = None,
    ) -> "Tokenizer":
        """The vocabulary, unused slots, then the control tokens.

        Raises:
            UserError: the vocabulary and the control tokens need more ids.
        """
        n_tokens = len(model.tokens_as_bytes())
        needed = n_tokens + len(special_tokens)
        size = needed if vocab_size is None else vocab_size
        if size < needed:
            raise UserError(
                f"a vocabulary of {size} ids cannot hold {needed}: {n_tokens} tokens "
                f"and {len(special_tokens)} control tokens; raise tokenizer.vocab_size"
            )
        ids = range(size - len(special_tokens), size)
        specials = dict(zip(special_tokens, ids, strict=True))
        return cls(model, specials, size, backend=backend)

    @classmethod
    def load(cls, path: Path, backend: Backend | None = None) -> "Tokenizer":
        """Read a tokenizer file.

        Raises:
            UserError: missing, truncated, edited or foreign, with the reason.
        """
        model, special_tokens, vocab_size = read_description(path)
        return cls(model, special_tokens, vocab_size, backend=backend)

    def save(self, path: Path) -> None:
        """Write the tokenizer as one JSON file, atomically."""
        write_description(path, self._description)

    def encode(self, text: str, *, allowed_special: Special = ()) -> list[int]:
        """Encode a text. Lone surrogates become U+FFFD.

        Args:
            text: any text; by default none of it becomes a control token.
            allowed_special: names of control tokens to honour in the text, or "all".
        """
        if not allowed_special:
            return _or_cleaned(self._encode, text)
        ids: list[int] = []
        for part in self._special_pattern(allowed_special).split(text):
            special = self.special_tokens.get(part)
            if special is not None and self._is_allowed(part, allowed_special):
                ids.append(special)
            elif part:
                ids += self.encode(part)
        return ids

    def encode_bytes(self, data: bytes) -> list[int]:
        """Encode bytes that need not be UTF-8; they decode to the same bytes."""
        return self._encoder.encode_bytes(data)

    def encode_to_numpy(self, text: str) -> NDArray[np.unsignedinteger]:
        """Encode a text to ids in the smallest fitting type, (n_tokens,)."""
        encode = partial(self._encoder.encode_to_numpy, dtype=self.dtype)
        return _or_cleaned(encode, text)

    def encode_batch(
        self, texts: Iterable[str], threads: int | None = None
    ) -> list[list[int]]:
        """Encode many texts; `threads` None takes one a core."""
        threads = threads or _n_cores()
        return _or_all_cleaned(
            lambda listed: self._encoder.encode_batch(listed, threads), texts
        )

    def encode_batch_to_numpy(
        self, texts: Iterable[str], threads: int | None = None
    ) -> tuple[NDArray[np.unsignedinteger], NDArray[np.int64]]:
        """Encode many texts to one array.

        Returns:
            ids (n_tokens,), and offsets (n_texts + 1,): text i has the ids from
            offsets[i] to offsets[i + 1].
        """
        encode = partial(
            self._encoder.encode_batch_to_numpy,
            dtype=self.dtype,
            threads=threads or _n_cores(),
        )
        return _or_all_cleaned(encode, texts)

    def encode_with_offsets(
        self, text: str, unit: Literal["bytes", "characters"] = "bytes"
    ) -> tuple[list[int], list[tuple[int, int]]]:
        """Encode a text, and say where each token stands in it.

        Returns:
            ids, and for each its half-open range; in characters, a token that holds
            a part of a character covers that character.

        Raises:
            UserError: a vocabulary that does not keep the text (BERT's).
        """
        text = replace_lone_surrogates(text)
        ids = self.encode(text)
        ends = list(accumulate((len(self._bytes[token]) for token in ids), initial=0))
        if ends[-1] != len(text.encode()):
            raise UserError(
                "this vocabulary does not keep the text as it is, so that its tokens "
                'have no place in it: use BPE or form="cased"'
            )
        if unit == "characters":
            first, last = _character_borders(text)
            return ids, [(first[a], last[b]) for a, b in pairwise(ends)]
        return ids, list(pairwise(ends))

    def count(self, text: str) -> int:
        """Number of ids of a text."""
        return _or_cleaned(self._encoder.count, text)

    def truncate(self, text: str, max_tokens: int) -> str:
        """The longest beginning, cut after a token, that has at most `max_tokens` ids.

        A token that ends within a character is cut back to that character's begin.
        """
        text = replace_lone_surrogates(text)
        ids = self.encode(text)
        if len(ids) <= max_tokens:
            return text
        for n_kept in range(max_tokens, 0, -1):
            head = self.decode_bytes(ids[:n_kept]).decode("utf-8", "ignore")
            if self.count(head) <= max_tokens:
                return head
        return ""

    def split(self, text: str) -> list[str]:
        """Cut a text into the pieces that are encoded one by one."""
        return self.model.split(replace_lone_surrogates(text))

    def decode(self, ids: Iterable[int]) -> str:
        """Decode ids; invalid UTF-8 becomes U+FFFD, control tokens nothing.

        Raises:
            UserError: an id outside the vocabulary.
        """
        try:
            return self._encoder.decode_text(ids)
        except (BufferError, TypeError, ValueError):
            return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_batch(self, batch: Iterable[Iterable[int]]) -> list[str]:
        """Decode each sequence of ids."""
        return [self.decode(ids) for ids in batch]

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Decode ids to bytes.

        Raises:
            UserError: an id outside the vocabulary.
        """
        listed = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
        try:
            return self._encoder.decode(listed)
        except ValueError:
            raise UserError(
                f"ids from {min(listed)} to {max(listed)} do not all belong to this "
                f"vocabulary (0 to {self.vocab_size - 1}): use the tokenizer that "
                "made them"
            ) from None

    def token_bytes(self, token: int) -> bytes:
        """Bytes of one token; b"" for control tokens and unused slots."""
        if not 0 <= token < self.vocab_size:
            return self.decode_bytes([token])  # says what is wrong
        return self._bytes[token]

    @property
    def kind(self) -> str:
        """ "bpe" or "wordpiece"."""
        return self.model.kind

    @property
    def backend(self) -> Backend:
        """Which implementation encodes."""
        return self._encoder.name

    @property
    def bpe(self) -> BPE:
        """The vocabulary, where it is BPE.

        Raises:
            UserError: it is another kind.
        """
        if not isinstance(self.model, BPE):
            raise UserError(f"a {self.kind} vocabulary has no merges: this needs BPE")
        return self.model

    @property
    def merges(self) -> tuple[Merge, ...]:
        """Pairs of ids in order of rank; none where the vocabulary is not BPE."""
        return self.model.merges if isinstance(self.model, BPE) else ()

    @property
    def pattern(self) -> PatternName | None:
        """How texts are split; None where the vocabulary has a way of its own."""
        return self.model.pattern

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """Smallest type that holds every id: uint16 or uint32."""
        return np.dtype(np.uint16 if self.vocab_size <= 1 << 16 else np.uint32)

    @property
    def first_special_id(self) -> int:
        """Id of the first control token; in our own layout text is always below."""
        return min(self.special_tokens.values(), default=self.vocab_size)

    @property
    def is_own_layout(self) -> bool:
        """Whether the control tokens are the last ids, in order."""
        n_specials = len(self.special_tokens)
        last = range(self.vocab_size - n_specials, self.vocab_size)
        return list(self.special_tokens.values()) == list(last)

    @property
    def n_unused(self) -> int:
        """Slots of the vocabulary that hold neither a token nor a control token."""
        specials = set(self.special_tokens.values())
        empty = (index for index, token in enumerate(self._bytes) if not token)
        return sum(index not in specials for index in empty)

    @cached_property
    def byte_lengths(self) -> NDArray[np.int32]:
        """Bytes that each id stands for, (V,); 0 for control tokens."""
        return np.array([len(token) for token in self._bytes], dtype=np.int32)

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that decides ids; the same for equal tokenizers."""
        return sha256_json(self._description)

    @property
    def fingerprint(self) -> str:
        """The first 16 hexadecimal digits of `sha256`, for people and file names."""
        return self.sha256[:16]

    @property
    def _description(self) -> dict[str, Any]:
        return describe(self.model, self.special_tokens, self.vocab_size)

    @cached_property
    def _bytes(self) -> list[bytes]:
        tokens = list(self.model.tokens_as_bytes())
        return tokens + [b""] * (self.vocab_size - len(tokens))

    def _check_layout(self) -> None:
        tokens = self.model.tokens_as_bytes()
        ids = list(self.special_tokens.values())
        if len(set(ids)) != len(ids):
            raise UserError("two control tokens have the same id")
        taken = [token for token in ids if token < len(tokens) and tokens[token]]
        if taken:
            raise UserError(f"id {taken[0]} is both a token and a control token")
        if max([len(tokens) - 1, *ids]) >= self.vocab_size:
            raise UserError(f"a vocabulary of {self.vocab_size} ids is too small")

    def _is_allowed(self, name: str, allowed: Special) -> bool:
        return allowed == "all" or name in allowed

    def _special_pattern(self, allowed: Special) -> re.Pattern[str]:
        names = self.special_tokens if allowed == "all" else allowed
        for name in names:
            self.special_id(name)  # says which are known
        longest_first = sorted(names, key=len, reverse=True)
        return re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")


def _n_cores() -> int:
    return os.cpu_count() or 1


def _or_cleaned(encode: Callable[[str], Result], text: str) -> Result:
    """Encode a text; only one that UTF-8 cannot hold is cleaned, and tried again."""
    try:
        return encode(text)
    except UnicodeEncodeError:
        return encode(replace_lone_surrogates(text))


def _or_all_cleaned(
    encode: Callable[[list[str]], Result], texts: Iterable[str]
) -> Result:
    """The same for many texts."""
    listed = list(texts)
    try:
        return encode(listed)
    except UnicodeEncodeError:
        return encode(list(map(replace_lone_surrogates, listed)))


def _character_borders(text: str) -> tuple[list[int], list[int]]:
    """For each byte border: characters that begin before, and that have begun by it."""
    first: list[int] = []
    for index, character in enumerate(text):
        first += [index] * len(character.encode())
    last = [0] + [index + 1 for index in first]
    return [*first, len(text)], last
