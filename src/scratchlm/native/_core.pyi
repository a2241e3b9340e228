"""The C core as Python sees it; arrays are passed as anything with a buffer."""

from collections.abc import Callable, Sequence
from typing import Any

from typing_extensions import Buffer

def split(pattern: int, class_table: bytes, text: str | bytes, /) -> bytes:
    """Where each piece ends, int64."""

def learn_merges(
    symbols: Buffer,
    offsets: Buffer,
    counts: Buffer,
    lengths: Buffer,
    initial: Buffer,
    n_merges: int,
    min_frequency: int,
    max_length: int,
    /,
) -> tuple[bytes, bytes]:
    """Pairs (int32), and how often each occurred (int64)."""

def count_words(word_table: bytes, text: str, /) -> tuple[int, int, int, int]:
    """Words, those that are not symbols alone, their characters, words with a letter.

    Raises UnicodeEncodeError: half a surrogate pair in the text.
    """

def repetition(word_table: bytes, text: str, limits: Buffer, /) -> list[int]:
    """Characters of the most frequent n-gram (n = 2, 3, 4) times its count, of n-grams
    seen before (n = 5 … 10), up to the first whose share of the text is over its limit
    (nine doubles). That one is exact; those before it are exact, or bounds from above
    that are within the limit.

    Raises UnicodeEncodeError: half a surrogate pair in the text.
    """

def band_keys(
    texts: Sequence[str | bytes] | tuple[Buffer, Buffer],
    bands: int,
    rows: int,
    threads: int,
    /,
) -> tuple[bytes, bytes]:
    """Keys of the bands (uint64, a row a text), and shingles of each text (int64).

    A tuple is a column: bytes of all texts, int64 offsets.
    """

def find_near(
    buckets: Buffer,
    bucket_offsets: Buffer,
    hashes: Buffer,
    set_offsets: Buffer,
    lengths: Buffer,
    n_buckets: int,
    threshold: float,
    containment: float,
    link: bool,
    most_leaders: int,
    most_compared: int,
    /,
) -> bytes:
    """Pairs (later, earlier, common shingles), int64; documents in order of rank."""

def shingle_sets(
    texts: Sequence[str | bytes] | tuple[Buffer, Buffer], threads: int, /
) -> tuple[bytes, bytes]:
    """Sorted hashes without repeats (uint64), how many each text has (int64)."""

class Counter:
    """How often each piece occurs."""

    def __init__(self, pattern: int, class_table: bytes, /) -> None: ...
    def add(self, data: Buffer, weight: int, threads: int, final: bool, /) -> int:
        """Count up to the last safe border, or to the end; bytes counted."""

    def add_texts(self, texts: Sequence[str], weight: int, threads: int, /) -> int:
        """Count each text; bytes counted."""

    def export(self, sorted: bool = True, /) -> tuple[bytes, bytes, bytes]:
        """Pieces, lengths (uint32), counts (int64)."""

    def clear(self) -> None:
        """Forget everything."""

    @property
    def n_pieces(self) -> int: ...
    @property
    def memory_bytes(self) -> int: ...

class Encoder:
    """Text to ids and back."""

    def __init__(
        self,
        pattern: int,
        class_table: bytes,
        is_wordpiece: bool,
        whole_pieces: bool,
        vocab_size: int,
        blob: Buffer,
        offsets: Buffer,
        continuing: Buffer,
        byte_ids: Buffer,
        pairs: Buffer,
        ranks: Buffer,
        made: Buffer,
        /,
    ) -> None: ...
    def encode(self, text: str | bytes, /) -> list[int]: ...
    def encode_or_else(self, text: str, **options: Any) -> list[int]: ...
    def set_otherwise(self, callable: Callable[..., list[int]], /) -> None: ...
    def count(self, text: str | bytes, /) -> int: ...
    def encode_array(
        self, text: str | bytes, item_size: int, threads: int, /
    ) -> bytearray: ...
    def encode_batch(
        self, texts: Sequence[str], threads: int, /
    ) -> list[list[int]]: ...
    def encode_batch_array(
        self, texts: Sequence[str], item_size: int, threads: int, /
    ) -> tuple[bytearray, bytearray]: ...
    def decode(self, ids: list[int] | Buffer, /) -> bytes: ...
    def decode_text(self, ids: list[int] | Buffer, /) -> str: ...
