"""Laws of the marks: the published sets, complete."""

from scratchlm.corpus.filters.marks import SYMBOLS, TERMINAL_MARKS, code_points


def test_ranges_name_both_ends():
    assert list(code_points("21 2e-30")) == [0x21, 0x2E, 0x2F, 0x30]


def test_the_published_sets_have_their_size():
    assert len(TERMINAL_MARKS) == 159 and len(SYMBOLS) == 281
    assert TERMINAL_MARKS < SYMBOLS
    assert {".", "!", "?", "。", "？"} < TERMINAL_MARKS
    assert not {":", ",", '"', "…"} & TERMINAL_MARKS
    assert not set("0123456789 \n\tabc") & SYMBOLS and "１" in SYMBOLS
