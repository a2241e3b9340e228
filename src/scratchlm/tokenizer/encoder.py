"""Three ways to the same ids: the C core, the standard library, the specification.

`native` runs in C where the extension was built; `python` needs nothing but the
standard library's `re` and a cache of pieces; `specification` reads the scanners
character by character and exists to hold the other two against.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from scratchlm import native
from scratchlm.base.errors import UserError
from scratchlm.tokenizer.native_encoder import Backend, NativeEncoder, NativeLayout
from scratchlm.tokenizer.pattern import PatternName


class Model(Protocol):
    """A vocabulary: splits a text and encodes its pieces."""

    @property
    def kind(self) -> str:
        """Name of the algorithm."""

    @property
    def pattern(self) -> PatternName | None:
        """How texts are split; None where the vocabulary has a way of its own."""

    @property
    def summary(self) -> str:
        """The vocabulary in a few words."""

    def split(self, text: str) -> list[str]:
        """Cut a text into pieces."""

    def scan(self, text: str) -> list[str]:
        """The same by the specification."""

    def encode_piece(self, piece: bytes) -> list[int]:
        """Ids of one piece."""

    def tokens_as_bytes(self) -> Sequence[bytes]:
        """Bytes of each id."""

    def decode(self, ids: Any) -> bytes:
        """Bytes of a sequence of ids."""

    def describe(self) -> dict[str, Any]:
        """The vocabulary as a JSON value."""

    def native_layout(self) -> NativeLayout | None:
        """The vocabulary as the C core takes it; None where it cannot."""


class Encoder(Protocol):
    """What a backend offers; texts hold no lone surrogates."""

    name: Backend

    def encode(self, text: str) -> list[int]:
        """Ids of a text."""

    def encode_bytes(self, data: bytes) -> list[int]:
        """Ids of bytes that need not be UTF-8."""

    def encode_to_numpy(self, text: str, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Ids of a text as an array."""

    def encode_batch(self, texts: Sequence[str], threads: int) -> list[list[int]]:
        """Ids of each text."""

    def encode_batch_to_numpy(
        self, texts: Sequence[str], dtype: np.dtype[Any], threads: int
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Ids of all texts one after another, and where each begins."""

    def count(self, text: str) -> int:
        """Number of ids of a text."""

    def decode(self, ids: list[int]) -> bytes:
        """Bytes of ids; none for control tokens and unused slots."""

    def decode_text(self, ids: Any) -> str:
        """The same as text; a list or an array of ids."""


class PythonEncoder:
    """Splits with the standard library's `re`; encodes each distinct piece once."""

    name: Backend = "python"

    def __init__(self, model: Model, vocab_size: int) -> None:
        self._split = model.split
        self._pieces = _PieceCache(model)
        self._decode = model.decode
        self._vocab_size = vocab_size
        self._n_tokens = len(model.tokens_as_bytes())

    def encode(self, text: str) -> list[int]:
        """Ids of a text.

        Raises:
            UnicodeEncodeError: a lone surrogate.
        """
        return self._encode(_checked(text))

    def encode_bytes(self, data: bytes) -> list[int]:
        """Ids of bytes; each invalid one is a character of no class."""
        return self._encode(data.decode("utf-8", "surrogateescape"))

    def encode_to_numpy(self, text: str, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Ids of a text as an array."""
        pieces = map(self._pieces.__getitem__, self._split(_checked(text)))
        return np.fromiter(chain.from_iterable(pieces), dtype)

    def encode_batch(self, texts: Sequence[str], threads: int) -> list[list[int]]:
        """Ids of each text; one thread, since Python runs one at a time."""
        return [self.encode(text) for text in texts]

    def encode_batch_to_numpy(
        self, texts: Sequence[str], dtype: np.dtype[Any], threads: int
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Ids of all texts one after another, and where each begins, (n + 1,)."""
        parts = [self.encode_to_numpy(text, dtype) for text in texts]
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([len(part) for part in parts], out=offsets[1:])
        return np.concatenate([np.zeros(0, dtype), *parts]), offsets

    def count(self, text: str) -> int:
        """Number of ids of a text."""
        return sum(map(len, map(self._pieces.__getitem__, self._split(_checked(text)))))

    def _encode(self, text: str) -> list[int]:
        pieces = self._pieces.__getitem__
        return list(chain.from_iterable(map(pieces, self._split(text))))

    def decode(self, ids: list[int]) -> bytes:
        """Bytes of ids; none for control tokens and unused slots.

        Raises:
            ValueError: an id outside the vocabulary.
        """
        if ids and not (min(ids) >= 0 and max(ids) < self._vocab_size):
            raise ValueError("an id lies outside the vocabulary")
        return self._decode(token for token in ids if token < self._n_tokens)

    def decode_text(self, ids: Any) -> str:
        """The same as text; invalid UTF-8 becomes U+FFFD."""
        if not isinstance(ids, list):
            raise TypeError("a list of ids is needed")
        return self.decode(ids).decode("utf-8", "replace")


class SpecificationEncoder(PythonEncoder):
    """The readable scanners and the plain merge loop, nothing cached."""

    name: Backend = "specification"

    def __init__(self, model: Model, vocab_size: int) -> None:
        super().__init__(model, vocab_size)
        self._split = model.scan
        self._pieces.max_pieces = 0


class _PieceCache(dict[str, tuple[int, ...]]):
    """Piece -> ids. A text repeats few pieces many times; new ones are encoded once."""

    MAX_PIECE_CHARS = 64  # a longer one hardly comes again

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.max_pieces = 1 << 18
        self._encode_piece = model.encode_piece

    def __missing__(self, piece: str) -> tuple[int, ...]:
        ids = tuple(self._encode_piece(piece.encode("utf-8", "surrogateescape")))
        if len(piece) <= self.MAX_PIECE_CHARS and len(self) < self.max_pieces:
            self[piece] = ids
        return ids


def _checked(text: str) -> str:
    """The text, or an error if it holds lone surrogates."""
    if not text.isascii():
        text.encode()
    return text


def build_encoder(model: Model, vocab_size: int, backend: Backend | None) -> Encoder:
    """The backend that was asked for, or the fastest that is here.

    Raises:
        UserError: the C core was asked for and cannot do it, with the reason.
    """
    if backend == "specification":
        return SpecificationEncoder(model, vocab_size)
    if backend == "python":
        return PythonEncoder(model, vocab_size)
    layout = model.native_layout()
    if native.core is not None and layout is not None:
        return NativeEncoder(layout, vocab_size)
    if backend == "native":
        why = native.why if layout is not None else f"it has no {model.kind} like this"
        raise UserError(f"the C core is not available: {why}")
    return PythonEncoder(model, vocab_size)
