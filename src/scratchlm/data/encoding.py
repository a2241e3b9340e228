"""Many texts to one array of ids, each followed by `<|endoftext|>`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scratchlm.tokenizer.pattern import replace_lone_surrogates
from scratchlm.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class Encoded:
    """Some documents in a row, as ids."""

    tokens: NDArray[np.unsignedinteger]
    """(n_tokens,): all documents, each with its `<|endoftext|>`."""
    ends: NDArray[np.int64]
    """(n_documents,): where each ends, its `<|endoftext|>` included."""
    n_bytes: int
    """UTF-8 bytes of the texts."""


def encode_documents(tokenizer: Tokenizer, texts: Sequence[str]) -> Encoded:
    """Encode texts in the calling thread; the C core lets others run meanwhile."""
    ids, offsets = tokenizer.encode_batch_to_numpy(texts, threads=1)
    end = tokenizer.dtype.type(tokenizer.endoftext_id)
    tokens = np.insert(ids, offsets[1:], end)
    ends = offsets[1:] + np.arange(1, len(offsets), dtype=np.int64)
    return Encoded(tokens, ends, sum(map(count_utf8_bytes, texts)))


def count_utf8_bytes(text: str) -> int:
    """Bytes of a text in UTF-8; a lone surrogate counts as U+FFFD, that is three."""
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return len(replace_lone_surrogates(text).encode())
