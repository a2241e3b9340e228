"""Bytes as printable characters: how files of byte-level vocabularies write tokens."""

from functools import cache


@cache
def byte_alphabet() -> tuple[str, ...]:
    """A printable character for each of the 256 bytes (GPT-2's `bytes_to_unicode`).

    Printable Latin-1 stands for itself, the other bytes in order for U+0100 and on.
    """
    itself = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return tuple(chr(byte if byte in itself else next(others)) for byte in range(256))


def printable(token: bytes) -> str:
    """Bytes in that alphabet."""
    letters = byte_alphabet()
    return "".join(letters[byte] for byte in token)


def from_printable(text: str) -> bytes:
    """The bytes that `printable` wrote.

    Raises:
        KeyError: a character that stands for no byte.
    """
    values = _values()
    return bytes(values[letter] for letter in text)


@cache
def _values() -> dict[str, int]:
    return {letter: byte for byte, letter in enumerate(byte_alphabet())}
