import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.decode import UnreadableError
from scratchlm.corpus.readers.lines import (
    Head,
    RowDecoder,
    pass_line,
    read_lines,
    text_parts,
)

TEXTS = st.lists(st.sampled_from([b"\n", b"\r\n", b"ab", b" ", "é".encode(), b"xyz"]))


def reader(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


def test_a_line_longer_than_may_be_is_passed_over_and_the_next_is_read():
    data = b"one\n" + b"x" * 10**6 + b"\ntwo"
    lines = list(read_lines(reader(data), 1000))
    assert [(line.number, line.data) for line in lines] == [
        (1, b"one\n"),
        (2, None),
        (3, b"two"),
    ]
    assert lines[1].n_bytes == 10**6 + 1


@given(TEXTS, st.integers(1, 12))
def test_ranges_of_a_file_have_each_line_once(pieces, n_bytes):
    data = b"".join(pieces)
    found = []
    for begin in range(0, len(data), n_bytes):
        stream, first = reader(data), 0
        if begin:
            stream.seek(begin - 1)
            first = begin - 1 + pass_line(stream)
        end = begin + n_bytes
        lines = read_lines(stream, 100, first, end) if first < end else []
        found += [line.data for line in lines]
    assert found == list(io.BytesIO(data))


@given(TEXTS, st.integers(1, 9))
def test_parts_of_a_text_make_up_the_text_and_are_short(pieces, most):
    data = b"".join(pieces)
    parts = list(text_parts(reader(data), most))
    assert b"".join(part.data for part in parts) == data
    assert all(len(part.data) <= most for part in parts)
    assert [part.alone for part in parts if part.alone] == [True] * (
        0 < len(data) <= most
    )
    for part in parts:
        assert part.line == 1 + data[: data.index(part.data)].count(b"\n") or most < 9


@given(TEXTS, st.integers(1, 12), st.integers(1, 9))
def test_ranges_of_a_text_make_up_the_text_whatever_the_parts(pieces, n_bytes, most):
    data = b"".join(pieces)
    found = b""
    for begin in range(0, len(data), n_bytes):
        stream, passed = reader(data), 0
        if begin:
            stream.seek(begin - 1)
            passed = pass_line(stream) - 1
        parts = text_parts(stream, most, max(0, n_bytes - passed))
        found += b"".join(part.data for part in parts)
    assert found == data


def test_a_text_is_cut_between_lines_else_between_words_else_between_characters():
    cut = [part.data.decode() for part in text_parts(reader("a\nb c dé".encode()), 5)]
    assert cut == ["a\n", "b c ", "dé"]
    assert [p.data.decode() for p in text_parts(reader("éé".encode()), 3)] == ["é", "é"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32-le"])
def test_wide_encodings_are_brought_to_lines_of_bytes(encoding):
    text = "a\u0a0a line\nand another\u010a one\n" * 5000
    data = text.encode(encoding)
    narrow, by = Head.of(data[: 2**16]).narrow(reader(data))
    found = [line.data.decode() for line in read_lines(narrow, 1000)]
    assert found == text.splitlines(keepends=True)
    assert by.encoding == "utf-8"


def test_lines_of_old_machines_are_lines():
    narrow, _ = Head.of(b"a\rb").narrow(reader(b"a\rb"))
    assert [line.data for line in read_lines(narrow, 9)] == [b"a\n", b"b"]


def test_a_head_that_ends_within_a_character_is_no_damage():
    text = "é" * 40_000
    assert Head.of(text.encode()[: 2**16 - 1]).encoding == "utf-8"
    assert Head.of(b"x" + text.encode()[: 2**16 - 1]).encoding == "utf-8"


def test_a_line_in_another_encoding_than_its_file_is_read_all_the_same():
    decoder = RowDecoder("utf-8")
    assert decoder.decode("naïve".encode()) == "naïve"
    latin = "Übergänge über große Flüsse, Straßen und Täler".encode("cp1252")
    assert "große Flüsse" in decoder.decode(latin)
    assert decoder.decode("naïve".encode()) == "naïve"
    with pytest.raises(UnreadableError):
        RowDecoder("utf-8").decode(bytes(range(256)) * 9)
