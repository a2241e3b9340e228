"""Laws of printed tables: columns stand under each other, no line is too wide."""

import pytest

from scratchlm.cli.options import print_table


def test_columns_stand_under_each_other(capsys):
    print_table([("a", "1"), ("long", "22")], right=(1,))
    assert capsys.readouterr().out == "a      1\nlong  22\n"


@pytest.mark.parametrize("n_words", [1, 12, 90])
def test_a_long_last_column_is_wrapped_and_loses_no_word(capsys, n_words):
    note = " ".join(f"word{n}" for n in range(n_words))
    print_table([("stage", "4 min 10 s", note), ("other", "", "short")])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines[:-1]).split()) == f"stage 4 min 10 s {note}"


def test_no_rows_print_nothing(capsys):
    print_table([])
    assert capsys.readouterr().out == ""
