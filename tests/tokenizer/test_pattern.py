"""Laws of the split: the same pieces as the libraries that others use."""

import pytest
from tokenizers import Regex, pre_tokenizers

from scratchlm.tokenizer.pattern import PATTERNS, split_text

NAMES = sorted(PATTERNS)


@pytest.mark.parametrize("name", NAMES)
def test_pieces_are_those_of_the_library_tokenizers(name, fuzz):
    peer = pre_tokenizers.Split(Regex(PATTERNS[name]), "isolated")
    for text in fuzz(4000, seed=2):
        expected = [piece for piece, _ in peer.pre_tokenize_str(text)]
        assert split_text(name, text) == expected, repr(text)


@pytest.mark.parametrize("name", NAMES)
def test_joined_pieces_are_the_text(name, fuzz):
    for text in ["", *fuzz(1000, seed=4)]:
        assert "".join(split_text(name, text)) == text


@pytest.mark.parametrize("name", NAMES)
def test_a_character_beyond_the_basic_plane_changes_no_piece_before_it(name, fuzz):
    for text in fuzz(500, seed=3):
        basic = "".join(c for c in text if c <= "\uffff")
        pieces = split_text(name, f"{basic}\n\n.")
        assert (
            split_text(name, f"{basic}\n\n.\U0001f389")[: len(pieces) - 1]
            == pieces[:-1]
        )


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("I'm we'LL", ["I", "'m", " we", "'LL"]),
        ("year 20245", ["year", " ", "202", "45"]),
        ("a  b\n\n  c", ["a", " ", " b", "\n\n", " ", " c"]),
        ("(self):\n    return", ["(self", "):\n", "   ", " return"]),
    ],
)
def test_llama3_pieces_done_by_hand(text, pieces):
    assert split_text("llama3", text) == pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("I'm we'LL", ["I", "'m", " we", "'", "LL"]),
        ("year 20245", ["year", " 20245"]),
        ("a  b\n\n  c", ["a", " ", " b", "\n\n ", " c"]),
    ],
)
def test_gpt2_pieces_done_by_hand(text, pieces):
    assert split_text("gpt2", text) == pieces
