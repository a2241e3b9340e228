"""Encode and decode in the C core."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from scratchlm import native
from scratchlm.tokenizer.pattern import PATTERN_CODES, PatternName
from scratchlm.tokenizer.unicode_classes import class_table

Backend = Literal["native", "python", "specification"]
"""Which implementation encodes: the C core, Python, or the readable one."""


@dataclass(frozen=True)
class NativeLayout:
    """A vocabulary as the C core takes it: BPE, or WordPiece over bytes."""

    pattern: PatternName
    tokens: Sequence[bytes]
    """Bytes of each id; b"" where text never gets the id."""
    whole_pieces: bool = False
    """BPE: a piece that is a token is that token."""
    byte_ids: Sequence[int] = ()
    """BPE: the id of each byte."""
    merges: Sequence[tuple[int, int]] = ()
    """BPE: pairs of ids."""
    ranks: Sequence[int] = ()
    """BPE: rank of each merge."""
    made: Sequence[int] = ()
    """BPE: id that each merge makes."""
    continuing: Sequence[bool] | None = None
    """WordPiece: whether a token goes on within a piece; None for BPE."""


class NativeEncoder:
    """A vocabulary in the C core; several threads may use one at a time."""

    name: Backend = "native"

    def __init__(self, layout: NativeLayout, vocab_size: int) -> None:
        assert native.core is not None
        lengths = map(len, layout.tokens)
        continuing = layout.continuing or [False] * len(layout.tokens)
        self._core = native.core.Encoder(
            PATTERN_CODES[layout.pattern],
            class_table(),
            layout.continuing is not None,
            layout.whole_pieces,
            vocab_size,
            b"".join(layout.tokens),
            np.array(list(accumulate(lengths, initial=0)), np.int64),
            bytes(continuing),
            np.array(layout.byte_ids, np.int32),
            np.array(layout.merges, np.int32),
            np.array(layout.ranks, np.int32),
            np.array(layout.made, np.int32),
        )
        self.encode = self._core.encode
        self.encode_bytes = self._core.encode
        self.encode_batch = self._core.encode_batch
        self.count = self._core.count
        self.decode = self._core.decode
        self.decode_text = self._core.decode_text

    def encode_or_else(
        self, otherwise: Callable[..., list[int]]
    ) -> Callable[..., list[int]]:
        """`encode` of a text alone; every other call goes to `otherwise`."""
        self._core.set_otherwise(otherwise)
        direct: Callable[..., list[int]] = self._core.encode_or_else
        return direct

    def encode_to_numpy(
        self, text: str | bytes, dtype: np.dtype[Any], threads: int = 1
    ) -> NDArray[Any]:
        """Ids of a text as an array."""
        return np.frombuffer(
            self._core.encode_array(text, dtype.itemsize, threads), dtype
        )

    def encode_batch_to_numpy(
        self, texts: Sequence[str], dtype: np.dtype[Any], threads: int
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Ids of all texts one after another, and where each begins, (n + 1,)."""
        ids, offsets = self._core.encode_batch_array(texts, dtype.itemsize, threads)
        return np.frombuffer(ids, dtype), np.frombuffer(offsets, np.int64)
