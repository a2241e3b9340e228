"""Laws of sentences: one rule that a reader can check by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scratchlm.corpus.filters.sentences import count_sentences, sentence_ends


@pytest.mark.parametrize(
    ("line", "n"),
    [
        ("", 1),
        ("No end", 1),
        ("One. Two.", 2),
        ("One! Two? Three.", 3),
        ('He said "Stop." She went on.', 2),
        ("It costs 3.50 in all. Yes.", 2),
        ("Wait... what? Yes.", 2),
        ("Mr. Smith met J. R. Jones.", 1),
        ("e.g. this", 1),
        ("See (Fig. 3). Then go.", 2),
        ("Vitamin C is good. So is D.", 2),
        ("今日は晴れ。明日は雨！本当？", 3),
        ("「はい。」と言った。", 2),
        ("यह पहला है। यह दूसरा है।", 2),
        ("Ende. Über alles.", 2),
        ("Ende. über", 1),
        ("One.Two.", 1),
    ],
)
def test_sentences_are_counted_as_the_rule_says(line, n):
    assert count_sentences(line) == n


@given(st.text(alphabet="aB .?!。」\"'… \n(1"))
def test_ends_ascend_within_the_line_and_text_follows_each(line):
    ends = list(sentence_ends(line))
    assert ends == sorted(set(ends))
    assert all(0 < end < len(line) and line[end:].strip() for end in ends)
    assert count_sentences(line) == 1 + len(ends)


@given(st.text(alphabet="aB .?!"), st.text(alphabet="aB .?!"))
def test_a_line_more_is_never_a_sentence_less(first, second):
    together = count_sentences(f"{first} {second}")
    assert together >= max(count_sentences(first), count_sentences(second))
