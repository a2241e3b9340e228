"""Laws of the printable alphabet of bytes."""

import tokenizers

from scratchlm.tokenizer.byte_alphabet import byte_alphabet, from_printable, printable


def test_the_alphabet_of_bytes_is_the_librarys():
    theirs = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    assert sorted(byte_alphabet()) == sorted(theirs)
    assert byte_alphabet()[ord(" ")] == "Ġ"


def test_any_bytes_are_written_and_read_back():
    every = bytes(range(256))
    assert from_printable(printable(every)) == every
    assert printable(every).isprintable()
