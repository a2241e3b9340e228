"""Laws of the frozen table: what other libraries see in each character."""

import pytest
import tiktoken
from tokenizers import Regex, pre_tokenizers

from scratchlm.tokenizer.unicode_classes import (
    DATA_FILE,
    LETTER,
    LOWER,
    N_CODE_POINTS,
    NEWLINE,
    NUMBER,
    SECTIONS,
    SPACE,
    UPPER,
    class_table,
    describe_classes,
    parse_ranges,
    ranges_of,
    read_sections,
)

SURROGATES = range(0xD800, 0xE000)
EVERY_CHARACTER = "".join(
    chr(point) for point in range(N_CODE_POINTS) if point not in SURROGATES
)
# Without the planes that are empty or private: the slower peer is asked these.
EVERY_PLANE_IN_USE = "".join(
    char for char in EVERY_CHARACTER if char < "\U00034000" or char >= "\U000e0000"
)[: 0x34000 + 0x200 - len(SURROGATES)]
CLASSES = {
    r"\p{L}": LETTER,
    r"\p{N}": NUMBER,
    r"\s": SPACE,
    r"[\r\n]": NEWLINE,
    r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]": UPPER,
    r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]": LOWER,
}
BYTES = {bytes([byte]): byte for byte in range(256)}


def those_of(bits, text):
    table = class_table()
    return "".join(char for char in text if table[ord(char)] & bits)


@pytest.mark.parametrize(("pattern", "bits"), CLASSES.items())
def test_of_all_code_points_tiktoken_finds_just_those_of_the_class(pattern, bits):
    peer = tiktoken.Encoding(
        "class", pat_str=pattern, mergeable_ranks=BYTES, special_tokens={}
    )
    found = bytes(peer.encode_ordinary(EVERY_CHARACTER)).decode()
    assert found == those_of(bits, EVERY_CHARACTER)


@pytest.mark.parametrize(("pattern", "bits"), CLASSES.items())
def test_of_all_planes_in_use_tokenizers_finds_just_those_of_the_class(pattern, bits):
    others = pre_tokenizers.Split(Regex(f"{pattern}+"), "removed", invert=True)
    found = "".join(text for text, _ in others.pre_tokenize_str(EVERY_PLANE_IN_USE))
    assert found == those_of(bits, EVERY_PLANE_IN_USE)


def test_surrogates_and_unassigned_code_points_are_other():
    table = class_table()
    assert len(table) == N_CODE_POINTS
    assert not any(table[point] for point in [*SURROGATES, 0x378, 0xE000, 0x10FFFF])


def test_no_code_point_stands_twice_in_the_data_file():
    sections = read_sections(DATA_FILE.read_text("ascii"))
    assert list(sections) == list(SECTIONS)
    points = [
        point
        for items in sections.values()
        for first, last in parse_ranges(items)
        for point in range(first, last + 1)
    ]
    assert len(points) == len(set(points))


def test_ranges_give_the_table_back():
    for bits in CLASSES.values():
        given = bytearray(N_CODE_POINTS)
        for first, last in ranges_of(bits):
            given[first : last + 1] = b"1" * (last + 1 - first)
        has_bits = bytes(ord("1") if code & bits else 0 for code in range(256))
        assert given == class_table().translate(has_bits)


def test_ranges_end_where_they_are_told_to():
    assert ranges_of(LETTER, 0x80) == ((0x41, 0x5A), (0x61, 0x7A))
    assert ranges_of(NUMBER, 0x33) == ((0x30, 0x32),)


def test_what_is_described_reads_back_and_comments_are_passed_over():
    categories = {"A": "Lu", "B": "Lt", "c": "Ll", "d": "Lo", "e": "Mn", "1": "Nd"}
    categories["\U0010ffff"] = "Lo"
    text = describe_classes(lambda char: categories.get(char, "Cn"))
    items = read_sections(f"# 41-5A\n{text}")
    sections = {heading: parse_ranges(listed) for heading, listed in items.items()}
    assert sections.pop("White_Space") == ranges_of(SPACE)
    assert sections == {
        "Lu Lt": ((0x41, 0x42),),
        "Ll": ((0x63, 0x63),),
        "Lm Lo": ((0x64, 0x64), (0x10FFFF, 0x10FFFF)),
        "M": ((0x65, 0x65),),
        "N": ((0x31, 0x31),),
    }


def test_the_separators_that_str_counts_as_space_are_no_white_space():
    for char in "\x1c\x1d\x1e\x1f":
        assert char.isspace()
        assert class_table()[ord(char)] == 0
