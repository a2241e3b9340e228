"""Laws of looking into a text: nothing lost, nothing that moves the cursor."""

import re

import pytest

from scratchlm.tokenizer.inspect import (
    BORDER,
    describe_lines,
    ids_lines,
    inspect_text,
    pieces_lines,
    summary_line,
)
from scratchlm.tokenizer.sheet import display_width

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def test_colour_adds_nothing_but_colour(tokenizer, texts):
    pieces = inspect_text(tokenizer, texts[0][:3000])
    plain, coloured = (pieces_lines(pieces, colour) for colour in (False, True))
    assert [COLOUR.sub("", line) for line in coloured] == plain
    assert coloured != plain


def test_every_token_ends_at_a_bar_and_has_its_id(tokenizer):
    text = "def area(self):\n    return 2\n"
    pieces = inspect_text(tokenizer, text)
    assert "".join(pieces_lines(pieces, False)).count(BORDER) == len(pieces)
    ids = [
        int(cell) for cell in re.findall(r"(\d+):b?['\"]", " ".join(ids_lines(pieces)))
    ]
    assert ids == tokenizer.encode(text)


@pytest.mark.parametrize("seed", range(3))
def test_no_text_moves_the_cursor_or_leaves_the_page(tokenizer, fuzz, seed):
    for text in fuzz(60, seed):
        pieces = inspect_text(tokenizer, text)
        for line in (*pieces_lines(pieces, False), *ids_lines(pieces)):
            assert line.isprintable() or not line
            assert display_width(line) <= 80
    escape = inspect_text(tokenizer, "\x1b[2Jgone")
    assert "\x1b" not in "".join(pieces_lines(escape, False))


def test_lines_end_where_the_text_does(tokenizer):
    lines = pieces_lines(inspect_text(tokenizer, "a\n\nb"), False)
    assert len(lines) == 3 and lines[-1] == f"b{BORDER}"


def test_a_part_of_a_character_is_shown_by_its_bytes(tokenizer):
    pieces = inspect_text(tokenizer, "\U0001fae8")
    assert len(pieces) > 1
    assert "\\xf0" in pieces_lines(pieces, False)[0]


def test_the_summary_counts_bytes(tokenizer):
    text = "Größe"
    n_tokens = len(tokenizer.encode(text))
    line = summary_line(inspect_text(tokenizer, text), text)
    assert line == f"{n_tokens} tokens, {7 / n_tokens:.2f} bytes each"
    assert summary_line([], "") == "0 tokens, 0.00 bytes each"


def test_a_tokenizer_says_its_size(tokenizer):
    assert (
        "1,000 entries (bpe): 984 for text, 16 for control"
        in describe_lines(tokenizer)[0]
    )
