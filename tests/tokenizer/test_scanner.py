"""Laws of the specification of splitting; pieces done by hand for every rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.tokenizer.pattern import PATTERNS, split_text
from scratchlm.tokenizer.scanner import RULES, scan_pieces, scan_pieces_of_bytes

NAMES = list(PATTERNS)
LIKE_LLAMA3 = ["cl100k", "llama3", "qwen2", "digits2"]
NOT_GPT2 = [*LIKE_LLAMA3, "o200k"]
MARK = "\u0301"  # a combining acute accent

# A text as its pieces, parted by a bar.
BY_HAND = {
    # Contractions: GPT-2's in small letters, the others' in any; ſ is an s.
    "I|'m| we|'ll": [*LIKE_LLAMA3, "gpt2"],
    "WE|'LL| we|'Ve": LIKE_LLAMA3,
    "WE|'|LL| we|'|Ve": ["gpt2"],
    "it|'ſ": LIKE_LLAMA3,
    "it|'|ſ": ["gpt2"],
    "I'm| WE'LL| it'ſ": ["o200k"],
    "''|s": NAMES,
    "'s|'s": ["gpt2"],
    "'lx": NOT_GPT2,
    # Letters: GPT-2 lets a space lead, the others any one sign but a newline.
    "(self|.x": NOT_GPT2,
    "(|self|.|x": ["gpt2"],
    "\tif|\n|x": NOT_GPT2,
    "ж中あ": ["gpt2", *LIKE_LLAMA3],
    # A combining mark is no letter: it leads a word, and ends one.
    f"e|{MARK}x": LIKE_LLAMA3,
    f"e|{MARK}|x": ["gpt2"],
    f"e{MARK}x": ["o200k"],
    # O200k: capitals, then small letters, is one word; marks and letters without case
    # are both. A word of capitals alone gives back to the last that is both.
    "The|XMLhttp|Request|OK": ["o200k"],
    "TheXMLhttpRequestOK": LIKE_LLAMA3,
    "中|AB": ["o200k"],
    "中b|A中|AB": ["o200k"],
    f"{MARK}|AB": ["o200k"],
    f" {MARK}|AB": ["o200k"],
    f".{MARK}a": ["o200k"],
    f"A{MARK}|B": ["o200k"],
    f"{MARK}'s|A": ["o200k"],
    "ǅa|ǅ": ["o200k"],
    # Digits: so many a piece, from the left; GPT-2 takes all and a space.
    "x| 12345": ["gpt2"],
    "x| |123|45": ["cl100k", "llama3", "o200k"],
    "x| |12|34|5": ["digits2"],
    "x| |1|2": ["qwen2"],
    "٣Ⅷ½|²": ["cl100k", "llama3", "o200k"],
    # Signs: one space may lead; newlines follow, but in GPT-2; to o200k / is one too.
    "a| €!\n\n|b": NOT_GPT2,
    "a| €!|\n|\n|b": ["gpt2"],
    "<br|/>\n|/": LIKE_LLAMA3,
    "</>\n/\n|x": ["o200k"],
    "\x00\u200b\ufeff\x1c": NAMES,
    # White space: through its last newline; one is left to lead a word.
    "a|\n\n|  | b": NOT_GPT2,
    "a|\n\n  | b": ["gpt2"],
    "a| \r\n\n| \t| b": NOT_GPT2,
    "a|\u3000|\u3000b": NOT_GPT2,
    "a|\u3000|\u3000|b": ["gpt2"],
    "a| | 1": ["gpt2"],
    "a|\x85|\xa0b": NOT_GPT2,
    # At the end of a text cl100k keeps white space whole.
    "a|\n|  ": ["llama3", "qwen2", "digits2", "o200k"],
    "a|\n  ": ["cl100k", "gpt2"],
    "": NAMES,
}


@pytest.mark.parametrize(
    ("name", "parted"), [(name, t) for t, names in BY_HAND.items() for name in names]
)
def test_pieces_done_by_hand(name, parted):
    pieces = [piece for piece in parted.split("|") if piece]
    assert scan_pieces(name, "".join(pieces)) == pieces


def test_every_pattern_has_its_rules():
    assert list(RULES) == NAMES


@pytest.mark.parametrize("name", NAMES)
@given(text=st.text(st.characters(), max_size=40))
def test_the_fallback_cuts_any_text_as_specified(name, text):
    pieces = scan_pieces(name, text)
    assert "".join(pieces) == text
    assert split_text(name, text) == pieces


@pytest.mark.parametrize("name", NAMES)
@given(data=st.binary(max_size=40))
def test_joined_pieces_of_any_bytes_are_the_bytes(name, data):
    assert b"".join(scan_pieces_of_bytes(name, data)) == data


@pytest.mark.parametrize("name", NAMES)
def test_a_byte_that_is_no_utf8_is_cut_like_a_sign(name, fuzz):
    for text in fuzz(200, seed=5):
        as_sign = scan_pieces(name, text.replace("€", "\x01"))
        broken = text.encode().replace("€".encode(), b"\xff")
        cut = scan_pieces_of_bytes(name, broken)
        assert cut == [p.encode().replace(b"\x01", b"\xff") for p in as_sign]
