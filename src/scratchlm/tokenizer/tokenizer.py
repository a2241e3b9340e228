"""The tokenizer: text to ids and back.

Ids: 0 to 255 are the bytes, then one id a merge in the order learned, then slots that
no merge filled (only where the text had too few pairs), then the 16 control tokens.
`encode` knows no control tokens: whatever a text contains stays text.
"""

from collections.abc import Iterable
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scratchlm.base.errors import UserError
from scratchlm.base.hashing import sha256_json
from scratchlm.tokenizer.bpe import Merge, apply_merges
from scratchlm.tokenizer.pattern import PatternName, split_text
from scratchlm.tokenizer.special import (
    END_OF_TEXT,
    END_OF_TURN,
    PAD,
    ROLE_TOKENS,
    SPECIAL_TOKENS,
)
from scratchlm.tokenizer.store import describe, read_description, write_description


class Tokenizer:
    """A byte-level BPE tokenizer with a fixed vocabulary.

    Args:
        merges: pairs of ids, in the order learned; merge i makes id 256 + i.
        pattern: how texts are split into pieces.
        vocab_size: number of ids; None means no slot more than needed.

    Raises:
        UserError: the merges do not fit the vocabulary.
    """

    def __init__(
        self,
        merges: Iterable[Merge],
        pattern: PatternName = "llama3",
        vocab_size: int | None = None,
    ) -> None:
        self.merges: tuple[Merge, ...] = tuple((int(a), int(b)) for a, b in merges)
        self.pattern: PatternName = pattern
        needed = 256 + len(self.merges) + len(SPECIAL_TOKENS)
        self.vocab_size: int = needed if vocab_size is None else vocab_size
        if self.vocab_size < needed:
            raise UserError(
                f"a vocabulary of {self.vocab_size} ids cannot hold {needed}: 256 "
                f"bytes, {len(self.merges)} merges and {len(SPECIAL_TOKENS)} control "
                "tokens; raise tokenizer.vocab_size"
            )
        self._bytes = self._all_bytes()
        ranks = {merge: 256 + index for index, merge in enumerate(self.merges)}
        self._pieces = _PieceCache(ranks)

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """Read a tokenizer file.

        Raises:
            UserError: missing, truncated, edited or foreign, with the reason.
        """
        description = read_description(path)
        return cls(
            description["merges"], description["pattern"], description["vocab_size"]
        )

    def save(self, path: Path) -> None:
        """Write the tokenizer as one JSON file, atomically."""
        write_description(path, self._description)

    def encode(self, text: str) -> list[int]:
        """Encode a text; never a control token. Lone surrogates become U+FFFD."""
        return list(self._ids(text))

    def encode_to_numpy(self, text: str) -> NDArray[np.unsignedinteger]:
        """Encode a text to ids in the smallest fitting type, (n_tokens,)."""
        return np.fromiter(self._ids(text), dtype=self.dtype)

    def split(self, text: str) -> list[str]:
        """Cut a text into the pieces that are encoded one by one."""
        return split_text(self.pattern, _without_lone_surrogates(text))

    def decode(self, ids: Iterable[int]) -> str:
        """Decode ids; invalid UTF-8 becomes U+FFFD, control tokens nothing."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """Decode ids to bytes.

        Raises:
            UserError: an id outside the vocabulary.
        """
        listed = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
        if listed and not (min(listed) >= 0 and max(listed) < self.vocab_size):
            raise UserError(
                f"ids from {min(listed)} to {max(listed)} do not all belong to this "
                f"vocabulary (0 to {self.vocab_size - 1}): use the tokenizer that "
                "made them"
            )
        return b"".join(map(self._bytes.__getitem__, listed))

    def token_bytes(self, token: int) -> bytes:
        """Bytes of one token; b"" for control tokens and unused slots."""
        return self.decode_bytes([token])

    def special_id(self, name: str) -> int:
        """Id of a control token."""
        return self.first_special_id + SPECIAL_TOKENS.index(name)

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """Smallest type that holds every id: uint16 or uint32."""
        return np.dtype(np.uint16 if self.vocab_size <= 1 << 16 else np.uint32)

    @property
    def first_special_id(self) -> int:
        """Id of the first control token; text is always below."""
        return self.vocab_size - len(SPECIAL_TOKENS)

    @property
    def n_unused(self) -> int:
        """Slots of the vocabulary that no merge filled."""
        return self.first_special_id - 256 - len(self.merges)

    @property
    def endoftext_id(self) -> int:
        """Id that ends a document and begins a conversation."""
        return self.special_id(END_OF_TEXT)

    @property
    def pad_id(self) -> int:
        """Id that fills rows; never counted in a loss."""
        return self.special_id(PAD)

    @property
    def end_of_turn_id(self) -> int:
        """Id that ends every message."""
        return self.special_id(END_OF_TURN)

    @property
    def system_id(self) -> int:
        """Id that opens a system message."""
        return self.special_id(ROLE_TOKENS["system"])

    @property
    def user_id(self) -> int:
        """Id that opens a user's message."""
        return self.special_id(ROLE_TOKENS["user"])

    @property
    def assistant_id(self) -> int:
        """Id that opens an assistant's message."""
        return self.special_id(ROLE_TOKENS["assistant"])

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
    def _description(self) -> dict[str, object]:
        return describe(self.merges, self.pattern, self.vocab_size)

    def _ids(self, text: str) -> Iterable[int]:
        return chain.from_iterable(map(self._pieces.__getitem__, self.split(text)))

    def _all_bytes(self) -> list[bytes]:
        table = [bytes([value]) for value in range(256)]
        for left, right in self.merges:
            if not (0 <= left < len(table) and 0 <= right < len(table)):
                raise UserError(
                    f"merge {len(table) - 256} joins ids {left} and {right}, of which "
                    "one does not exist yet: these merges are in the wrong order"
                )
            table.append(table[left] + table[right])
        return table + [b""] * (self.vocab_size - len(table))


class _PieceCache(dict[str, tuple[int, ...]]):
    """Piece -> ids. A text repeats few pieces many times; new ones are encoded once."""

    MAX_PIECES = 1 << 18
    MAX_PIECE_CHARS = 64  # a longer one hardly comes again

    def __init__(self, ranks: dict[Merge, int]) -> None:
        super().__init__()
        self._ranks = ranks

    def __missing__(self, piece: str) -> tuple[int, ...]:
        ids = tuple(apply_merges(piece.encode(), self._ranks))
        if len(piece) <= self.MAX_PIECE_CHARS and len(self) < self.MAX_PIECES:
            self[piece] = ids
        return ids


def _without_lone_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
