"""The longest stretch that two texts share around a place, white space apart.

Compared are the bytes that are not white space, from the place to the right and from
it to the left, in chunks that grow; only one of the texts has to be in memory.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

BLANKS = b" \t\n\r\f\v"
FIRST_CHUNK, LARGEST_CHUNK = 2**10, 2**20
_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[list(BLANKS)] = True

ReadText = Callable[[int, int], bytes]
"""Bytes begin .. end - 1 of a text; positions outside it give nothing."""


def match_around(text: bytes, at: int, read: ReadText, of_at: int) -> tuple[int, int]:
    """Begin and end of the stretch of `text` around `at` that stands at `of_at` too.

    Both ends lie at bytes that are not white space; equal if nothing matches.
    """
    end = at + _reach(lambda b, e: text[at + b : at + e], _from(read, of_at), False)
    begin = at - _reach(
        lambda b, e: text[max(at - e, 0) : max(at - b, 0)], _up_to(read, of_at), True
    )
    return begin, end


def _from(read: ReadText, at: int) -> ReadText:
    return lambda begin, end: read(at + begin, at + end)


def _up_to(read: ReadText, at: int) -> ReadText:
    return lambda begin, end: read(max(at - end, 0), max(at - begin, 0))


def _reach(left: ReadText, right: ReadText, backwards: bool) -> int:
    """How many bytes of the left text match the right one, from distance 0 on.

    `left(b, e)` are the bytes at distances b .. e - 1; backwards they are read from
    the end. The last byte that counts is not white space.
    """
    at = of_at = reached = 0
    size = FIRST_CHUNK
    while True:
        chunk = _solid(left(at, at + size), backwards)
        other = _solid(right(of_at, of_at + size), backwards)
        n = min(len(chunk.data), len(other.data))
        n_equal = _common(chunk.data[:n], other.data[:n])
        if n_equal:
            reached = at + int(chunk.places[n_equal - 1]) + 1
        if n_equal < n or not (chunk.n_bytes and other.n_bytes):
            return reached
        at += chunk.after(n)
        of_at += other.after(n)
        size = min(4 * size, LARGEST_CHUNK)


class _Solid:
    """The bytes of a chunk that are not white space, and where they stand."""

    def __init__(self, chunk: NDArray[np.uint8]) -> None:
        self.n_bytes = len(chunk)
        self.places = np.flatnonzero(~_IS_BLANK[chunk])
        self.data = chunk[self.places]

    def after(self, n: int) -> int:
        """The distance after n such bytes and any white space that follows."""
        return int(self.places[n]) if n < len(self.places) else self.n_bytes


def _solid(chunk: bytes, backwards: bool) -> _Solid:
    values = np.frombuffer(chunk, np.uint8)
    return _Solid(values[::-1] if backwards else values)


def _common(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> int:
    """Length of the common beginning of two arrays of one length."""
    differ = left != right
    first = int(differ.argmax()) if len(differ) else 0
    return first if len(differ) and differ[first] else len(differ)
