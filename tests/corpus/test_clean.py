import ast

from hypothesis import given, settings
from hypothesis import strategies as st

from scratchlm.corpus.clean import clean_text, printable_name, replace_half_pairs


@settings(deadline=None, max_examples=50)
@given(st.text(alphabet=st.characters() | st.sampled_from("\r\n\t \x00\x85\ufeff")))
def test_cleaning_twice_is_cleaning_once_and_the_result_is_utf8(text):
    once = clean_text(text)
    assert clean_text(once) == once
    assert once.encode("utf-8").decode("utf-8") == once
    assert once == "" or (once.endswith("\n") and not once.endswith("\n\n"))
    assert not set(once) & set("\r\0\ufeff\x85")


def test_every_kind_of_line_end_becomes_a_newline():
    assert clean_text("a\r\nb\rc\nd\x0ce\x85f") == "a\nb\nc\nd\ne\nf\n"


def test_blanks_at_line_ends_go_and_indentation_stays():
    assert clean_text("\n\n  if x:  \n\t\ty \t\n\n\n") == "  if x:\n\t\ty\n"
    assert clean_text(" \n\t\n\x00") == ""


def test_a_program_means_the_same_after_cleaning():
    program = 'def f(x):\r\n    s = "e\u0301 \u2028"\r\n\x0c\r\n    return s * x   \r\n'
    ours = ast.dump(ast.parse(clean_text(program)))
    assert ours == ast.dump(ast.parse(program.replace("\x0c", "")))


def test_half_pairs_are_replaced_and_whole_characters_kept():
    assert replace_half_pairs("a\ud800b😀") == "a\ufffdb😀"


def test_a_name_fits_on_a_line_of_a_terminal():
    assert (
        printable_name("a\nb\x1b[31m\u202ec\udcff é 日")
        == "a\ufffdb\ufffd[31m\ufffdc\ufffd é 日"
    )


@settings(deadline=None, max_examples=100)
@given(st.text(alphabet="ab \t\r\n\x0b\x0c\x00\x1c\x7f"))
def test_plain_and_other_text_are_cleaned_alike(text):
    """ASCII takes a short way; a word beyond it must change nothing before it."""
    assert clean_text("x" + text + "\ny") + "é\n" == clean_text("x" + text + "\ny\né")
