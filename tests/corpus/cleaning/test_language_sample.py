from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.cleaning.language_sample import PIECES, sample_pieces


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=600), st.integers(64, 300))
def test_a_sample_is_never_longer_than_asked_and_always_whole_characters(text, n_bytes):
    pieces = sample_pieces(text, n_bytes)
    assert sum(map(len, pieces)) <= n_bytes
    for piece in pieces:
        piece.decode("utf-8", "surrogatepass")


def test_short_texts_are_taken_whole():
    assert sample_pieces("grüße", 64) == ["grüße".encode()]
    assert sample_pieces("", 64) == []


def test_long_texts_are_taken_from_all_over_at_words():
    text = "".join(f"word{i:04d} " for i in range(2000))
    pieces = sample_pieces(text, 2048)
    assert len(pieces) == PIECES and all(len(piece) == 512 for piece in pieces)
    assert all(piece.startswith(b"word") for piece in pieces)
    assert pieces[0].startswith(b"word0000") and pieces[3] > b"word1499"


def test_capitals_are_lowered_and_letters_composed():
    assert sample_pieces("GRÜSSE", 64) == ["grüsse".encode()]
    assert sample_pieces("cafe\u0301", 64) == ["café".encode()]


def test_half_a_surrogate_pair_is_no_accident():
    assert sample_pieces("a\ud800b", 64) == [b"a\xed\xa0\x80b"]
