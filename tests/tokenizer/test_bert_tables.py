"""Laws of the frozen character data that BERT's splitting asks."""

import unicodedata

import pytest

from scratchlm.tokenizer.bert_tables import (
    DATA_FILE,
    DROPPED,
    MARK,
    PUNCTUATION,
    bert_tables,
    describe_tables,
)

OLD = unicodedata.ucd_3_2_0  # what stood then, with its category, still stands


def items(text):
    """What the sections hold of code points below 10000, the lines joined."""
    text = text[text.index("[") :]
    return [
        item
        for item in text.split()
        if item.startswith("[") or len(item.partition(":")[0].partition("-")[0]) < 5
    ]


class Reread:
    """The tables in the clothes of `unicodedata`."""

    def category(self, character):
        flags = bert_tables().flags[ord(character)]
        return {DROPPED: "Cc", MARK: "Mn", PUNCTUATION: "Po", 0: "Lo"}[flags]

    def combining(self, character):
        return bert_tables().combining.get(character, 0)

    def normalize(self, form, character):
        return bert_tables().decompose(character)


def test_describing_the_tables_gives_the_data_file_again():
    lower = bert_tables().lower
    text = describe_tables(Reread(), lambda c: lower.get(c, c), 0x10000)
    assert items(text) == items(DATA_FILE.read_text("ascii"))


@pytest.mark.parametrize("points", [range(0x250), range(0x370, 0x600), [0x1E9E]])
def test_old_characters_are_what_every_python_says_they_are(points):
    tables = bert_tables()
    for character in map(chr, points):
        category = OLD.category(character)
        if category == "Cn" or category != unicodedata.category(character):
            continue
        flags = tables.flags[ord(character)]
        assert bool(flags & MARK) == (category == "Mn"), character
        assert bool(flags & PUNCTUATION) == (category[0] == "P"), character
        assert bool(flags & DROPPED) == (category in ("Cc", "Cf", "Co")), character
        assert tables.decompose(character) == unicodedata.normalize("NFD", character)
        assert tables.lower.get(character, character) == character.lower()


def test_korean_syllables_decompose_by_their_rule():
    tables = bert_tables()
    for point in [*range(0xAC00, 0xD7A4, 97), 0xD7A3]:
        whole = chr(point)
        assert tables.decompose(whole) == unicodedata.normalize("NFD", whole)
    assert tables.decompose("힤") == "힤"


def test_what_is_not_assigned_is_an_ordinary_character():
    tables = bert_tables()
    for point in (0x378, 0x2FE0, 0xFFFF, 0xE0080, 0x3FFFF):
        assert not tables.flags[point]
        assert tables.decompose(chr(point)) == chr(point)
