"""Tables that count pieces: in Python, in the C core, or read from a file."""

from collections import Counter
from collections.abc import Callable
from typing import cast

import numpy as np

from scratchlm import native
from scratchlm.base.errors import UserError
from scratchlm.tokenizer.counts_file import CountArrays
from scratchlm.tokenizer.pattern import PATTERN_CODES, PatternName, split_text
from scratchlm.tokenizer.unicode_classes import class_table


class PythonTable:
    """Counts in a dictionary: the reference, and what runs without the C core."""

    _ENTRY_BYTES = 150  # of a dictionary, a string and an integer, roughly

    def __init__(self, split: Callable[[str], list[str]]) -> None:
        self._split = split
        self._counts: Counter[str] = Counter()

    def add(
        self, data: bytes | memoryview, weight: int, threads: int, final: bool
    ) -> int:
        """Count bytes up to the last safe border, or to the end; how many they are."""
        data = bytes(data)
        end = len(data) if final else _last_border(data)
        # One character more, a piece of its own: some patterns look at what follows.
        text = data[: end if final else end + 1].decode("utf-8", "surrogateescape")
        pieces = self._split(text)
        self._add_pieces(pieces if final else pieces[:-1], weight)
        return end

    def add_texts(self, texts: list[str], weight: int, threads: int) -> int:
        """Count each text; bytes counted."""
        for text in texts:
            self._add_pieces(self._split(text), weight)
        return sum(len(text.encode()) for text in texts)

    def export(self, ordered: bool = True) -> CountArrays:
        """The counts, sorted by their pieces, or in any order."""
        encoded = (
            (piece.encode("utf-8", "surrogateescape"), count)
            for piece, count in self._counts.items()
        )
        return CountArrays.from_items(sorted(encoded))

    def clear(self) -> None:
        """Forget everything."""
        self._counts.clear()

    @property
    def n_pieces(self) -> int:
        """Number of distinct pieces."""
        return len(self._counts)

    @property
    def memory_bytes(self) -> int:
        """About how much memory the table takes."""
        return len(self._counts) * self._ENTRY_BYTES

    def _add_pieces(self, pieces: list[str], weight: int) -> None:
        if weight == 1:
            self._counts.update(pieces)
            return
        for piece, count in Counter(pieces).items():
            self._counts[piece] += count * weight


class NativeTable:
    """Counts in the C core's table."""

    def __init__(self, pattern: PatternName) -> None:
        assert native.core is not None
        self._core = native.core.Counter(PATTERN_CODES[pattern], class_table())

    def add(
        self, data: bytes | memoryview, weight: int, threads: int, final: bool
    ) -> int:
        """Count bytes up to the last safe border, or to the end; how many they are."""
        return int(self._core.add(data, weight, threads, final))

    def add_texts(self, texts: list[str], weight: int, threads: int) -> int:
        """Count each text; bytes counted."""
        return int(self._core.add_texts(texts, weight, threads))

    def export(self, ordered: bool = True) -> CountArrays:
        """The counts, sorted by their pieces, or in any order."""
        blob, lengths, counts = self._core.export(ordered)
        return CountArrays(
            np.frombuffer(blob, np.uint8),
            np.frombuffer(lengths, np.uint32),
            np.frombuffer(counts, np.int64),
        )

    def clear(self) -> None:
        """Forget everything."""
        self._core.clear()

    @property
    def n_pieces(self) -> int:
        """Number of distinct pieces."""
        return int(self._core.n_pieces)

    @property
    def memory_bytes(self) -> int:
        """How much memory the table takes."""
        return int(self._core.memory_bytes)


class ArrayTable(PythonTable):
    """Counts that were read or added up; what comes on top is kept beside them."""

    def __init__(self, arrays: CountArrays) -> None:
        super().__init__(refuse_to_split)
        self._arrays = arrays

    def export(self, ordered: bool = True) -> CountArrays:
        """The counts, sorted by their pieces, or in any order."""
        return self._arrays

    @property
    def n_pieces(self) -> int:
        """Number of distinct pieces."""
        return len(self._arrays.counts)


def build_table(
    pattern: str, split: Callable[[str], list[str]] | None
) -> PythonTable | NativeTable:
    """The fastest table here; `split` cuts texts where the pattern is not ours."""
    if split is not None:
        return PythonTable(split)
    name = cast(PatternName, pattern)
    if native.core is not None:
        return NativeTable(name)
    return PythonTable(lambda text: split_text(name, text))


def _last_border(data: bytes) -> int:
    """The last place where a newline is followed by an ASCII letter or digit.

    There every pattern begins a new piece, whatever comes before and after.
    """
    at = len(data)
    while (at := data.rfind(b"\n", 0, at)) >= 0:
        following = data[at + 1 : at + 2]
        if following.isalnum():
            return at + 1
    return 0


def refuse_to_split(text: str) -> list[str]:
    """Stand in for the splitting of counts that are complete."""
    if not text:
        return []
    raise UserError("saved counts cannot take more text: count it apart and merge")
